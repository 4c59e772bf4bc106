import { type Credentials, login, registerCredentials, tenantHeaders } from '../support/api.ts'
import { withBareServer } from '../support/bare.ts'
import { failures, type Target } from '../support/load/plan.ts'
import { runLoad } from '../support/load/run.ts'
import { atLeast, type Row } from '../support/row.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import { bareTenant, createTenants, inParallel, profileOf, type Tenant } from '../support/tenants.ts'
import type { Measurement } from './measurement.ts'

const TOKENS = 1_000
/** Each has a hundred sessions at most: the sign-ins of one more end the oldest. */
const TOKENS_OF_ONE = 50
const CLIENTS = 32
const SECONDS = 4
const CONNECTIONS = 4

/** The hot path with one token and with a thousand of as many sessions; each request asks whether its session goes on. */
export const manyTokens: Measurement = ({ databaseUrl, directory, withServer }, effort) =>
  withServer({ TENANT_CONNECTIONS_PER_TENANT: String(CONNECTIONS) }, async ({ url }) => {
    const [tenant] = (await createTenants(url, 1)) as [Tenant]
    const one = [profileOf(url, tenant)]
    const many = await signInOften(url, tenant.id, effort.pick(TOKENS, 50))
    const options = {
      tenants: [bareTenant(databaseUrl, tenant)],
      connections: CONNECTIONS,
      prepared: true,
      directory,
    }
    return await withBareServer(options, async (bare) => {
      const seconds = effort.pick(SECONDS, 1)
      const [besideBare, oneBesideBare, besideOne]: [Pair[], Pair[], Pair[]] = [[], [], []]
      // Round 0 warms all up.
      for (let round = 0; round <= effort.rounds(5); round++) {
        const ours = await requestsPerSecond(many, seconds)
        const single = await requestsPerSecond(one, seconds)
        const theirs = await requestsPerSecond(bare, seconds)
        if (round === 0) continue
        besideBare.push({ measured: ours, baseline: theirs })
        oneBesideBare.push({ measured: single, baseline: theirs })
        besideOne.push({ measured: ours, baseline: single })
      }
      return [
        row(`GET /users/me, one token`, 'bare node:http + pg', oneBesideBare, 0.6, 0.85),
        row(`GET /users/me, ${many.length} tokens in turn`, 'bare node:http + pg', besideBare, 0.6, 0.85),
        row(`GET /users/me, ${many.length} tokens in turn`, 'one token', besideOne, 0.8, 0.95),
      ]
    })
  })

function row(name: string, against: string, pairs: readonly Pair[], least: number, aim: number): Row {
  const bounds = { atLeast: atLeast(least), aim: atLeast(aim) }
  return { name, against, unit: 'requests/s', ...summarize(pairs), ...bounds }
}

async function signInOften(url: string, tenantId: string, times: number): Promise<Target[]> {
  const people: Credentials[] = []
  while (people.length * TOKENS_OF_ONE < times) people.push(await registerCredentials(url, tenantId))
  const each = people.flatMap((person) => Array.from({ length: times / people.length }, () => person))
  return await inParallel(each, async (person) => {
    const { status, token } = await login(url, person)
    if (status !== 200) throw new Error(`a sign-in answered ${status}`)
    return { url: `${url}/api/v1/users/me`, headers: tenantHeaders(tenantId, { token }) }
  })
}

async function requestsPerSecond(targets: readonly Target[], seconds: number): Promise<number> {
  const stream = { clients: CLIENTS, targets, choice: 'turns' } as const
  const { all } = await runLoad({ seconds, seed: 1, streams: { all: stream } })
  if (!all || failures(all) > 0) throw new Error(`requests failed: ${JSON.stringify(all?.statuses)}`)
  return all.requestsPerSecond
}
