import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { runs } from '../support/effort.ts'
import { REALM_NAMES, realmOf, type TestRealm } from '../support/realms.ts'
import {
  answer,
  challengeFor,
  codeAt,
  createTestClock,
  type Protected,
  protect,
  STEP_MS,
  wrongCodeAt,
} from '../support/second-factor.ts'

const clock = createTestClock()
let test: CheckedPlatform
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform({ clock })
  tenantId = (await test.api.createOrganization(await test.api.register())).id
})
afterAll(() => test.close())

const MOST_CHALLENGES = 4

type Shown =
  | { readonly kind: 'code'; readonly steps: number }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'recovery'; readonly index: number }
type Step =
  | { readonly do: 'begin' | 'wait' }
  | { readonly do: 'expire'; readonly challenge: number }
  | { readonly do: 'answer'; readonly challenge: number; readonly shown: Shown }

const challenge = fc.nat(MOST_CHALLENGES - 1)
const shown: fc.Arbitrary<Shown> = fc.oneof(
  fc.record({ kind: fc.constant('code' as const), steps: fc.integer({ min: -2, max: 2 }) }),
  fc.constant({ kind: 'wrong' as const }),
  fc.record({ kind: fc.constant('recovery' as const), index: fc.nat(1) }),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ do: 'begin' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wait' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), challenge }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('answer' as const), challenge, shown }) },
)

/** What must be true of one person's challenges, in a few lines. */
class Model {
  readonly challenges: { isOpen: boolean; tries: number }[] = []
  sessions = 1
  #userTries = 0
  #lastStep: number
  readonly #used = new Set<number>()

  constructor() {
    this.#lastStep = stepNow()
  }

  expire(index: number): void {
    const one = this.challenges[index]
    if (one) one.isOpen = false
  }

  /** Gives the code of the answer to a proof; `undefined` for a session. */
  answer(index: number, proof: Shown): string | undefined {
    const one = this.challenges[index]
    if (!one?.isOpen || one.tries >= 5) return 'invalid-token'
    one.tries++
    if (this.#userTries >= 10) return 'rate-limited'
    this.#userTries++
    if (!this.#accepts(proof)) return 'invalid-credentials'
    this.#userTries = 0
    one.isOpen = false
    this.sessions++
    return undefined
  }

  #accepts(proof: Shown): boolean {
    if (proof.kind === 'wrong') return false
    if (proof.kind === 'recovery') {
      const isNew = !this.#used.has(proof.index)
      this.#used.add(proof.index)
      return isNew
    }
    const step = stepNow() + proof.steps
    if (Math.abs(proof.steps) > 1 || step <= this.#lastStep) return false
    this.#lastStep = step
    return true
  }
}

const stepNow = () => Math.floor(clock.now().getTime() / STEP_MS)

function written(proof: Shown, { secret, recoveryCodes }: Protected) {
  if (proof.kind === 'recovery') return { recovery_code: recoveryCodes[proof.index] ?? '' }
  if (proof.kind === 'wrong') return { code: wrongCodeAt(secret, clock.now()) }
  return { code: codeAt(secret, new Date(clock.now().getTime() + proof.steps * STEP_MS)) }
}

async function follow(realm: TestRealm, steps: readonly Step[]): Promise<void> {
  const person = await protect(test, realm, clock)
  const model = new Model()
  const tokens: string[] = []
  for (const one of steps) {
    if (one.do === 'wait') clock.nextStep()
    if (one.do === 'begin' && tokens.length < MOST_CHALLENGES) {
      tokens.push(await challengeFor(test, realm, person.user))
      model.challenges.push({ isOpen: true, tries: 0 })
    }
    const token = 'challenge' in one ? tokens[one.challenge] : undefined
    if (token === undefined) continue
    if (one.do === 'expire') {
      await expire(realm, token)
      model.expire(one.challenge)
    }
    if (one.do !== 'answer') continue
    const reply = await answer(test, realm, token, written(one.shown, person))
    expect(reply.body.code, JSON.stringify(one)).toBe(model.answer(one.challenge, one.shown))
  }
  const sessions = await realm.change(sql`SELECT FROM sessions WHERE user_id = ${person.user.id}`)
  expect(sessions).toHaveLength(model.sessions)
}

async function expire(realm: TestRealm, token: string): Promise<void> {
  const hash = createHash('sha256').update(token).digest('base64url')
  await realm.change(sql`UPDATE second_factor_challenges SET expires_at = now() WHERE hash = ${hash}`)
}

it.each(REALM_NAMES)(
  'O6 O8 H9 in the %s realm, whatever is sent for challenges, the right proofs make sessions and no others',
  async (name) => {
    const realm = realmOf(test, name === 'core' ? undefined : tenantId)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), (steps) => follow(realm, steps)),
      { numRuns: runs(15), verbose: fc.VerbosityLevel.Verbose },
    )
  },
  60_000,
)
