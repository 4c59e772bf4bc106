import { hash, verify } from '@node-rs/argon2'
import { PARAMETERS } from '../../src/auth/passwords/stored-hash.ts'
import { type Credentials, login, registerCredentials } from '../support/api.ts'
import { atLeast } from '../support/row.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import type { Measurement } from './measurement.ts'

/** As many as the server hashes at once, and as many again that are on their way. */
const CLIENTS = 4
const HASHES_AT_ONCE = 2
const SECONDS = 5
const PEOPLE = 60

/** Sign-ins on the platform against nothing but the check of a password: what a sign-in costs besides. */
export const logins: Measurement = ({ withServer }, effort) =>
  withServer({}, async ({ url }) => {
    // Many, as one who signs in without end has old sessions ended by each sign-in.
    const people: Credentials[] = []
    while (people.length < PEOPLE) people.push(await registerCredentials(url))
    const [person = await registerCredentials(url)] = people
    const stored = await hash(person.password, PARAMETERS)
    const seconds = effort.pick(SECONDS, 1)
    const pairs: Pair[] = []
    let turn = 0
    // Round 0 warms both up.
    for (let round = 0; round <= effort.rounds(5); round++) {
      const measured = await perSecond(CLIENTS, seconds, () => signIn(url, people[turn++ % PEOPLE] ?? person))
      const baseline = await perSecond(HASHES_AT_ONCE, seconds, () => verify(stored, person.password))
      if (round > 0) pairs.push({ measured, baseline })
    }
    return [
      {
        name: `sign-ins, ${CLIENTS} clients`,
        against: `bare argon2id, ${HASHES_AT_ONCE} at once`,
        unit: 'per second',
        ...summarize(pairs),
        atLeast: atLeast(0.6),
        aim: atLeast(0.9),
      },
    ]
  })

async function signIn(url: string, person: Credentials): Promise<void> {
  const { status } = await login(url, person)
  if (status !== 200) throw new Error(`a sign-in answered ${status}`)
}

/** How often `work` is done in a second by so many who do it one time after another. */
async function perSecond(workers: number, seconds: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  let done = 0
  const worker = async () => {
    while (performance.now() - began < seconds * 1_000) {
      await work()
      done++
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
  return done / ((performance.now() - began) / 1_000)
}
