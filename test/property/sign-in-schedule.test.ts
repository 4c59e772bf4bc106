import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authErrors, type Throttle } from '../../src/auth/index.ts'
import { MemoryCounter } from '../../src/auth/throttle/memory.ts'
import { createSchedule, delayAfter, rememberedAfter } from '../../src/auth/throttle/schedule.ts'
import { sweep } from '../../src/auth/throttle/store.ts'
import { unique } from '../support/api-client.ts'
import { runs } from '../support/effort.ts'
import { PRODUCTION_LIMITS } from '../support/limits.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'
import { inCore } from '../support/rows.ts'

let test: TestPlatform
let throttle: Throttle
beforeAll(async () => {
  test = await startPlatform({ env: PRODUCTION_LIMITS })
  throttle = test.platform.throttle
})
afterAll(() => test.close())

const MONTH = 30 * 24 * 3_600

type Ending = 'right' | 'wrong' | 'broken'
type Step = Ending | 'early' | 'forgotten'

const steps = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant<Step>('wrong') },
    { weight: 2, arbitrary: fc.constantFrom<Step>('broken', 'early') },
    { weight: 1, arbitrary: fc.constantFrom<Step>('right', 'forgotten') },
  ),
  { minLength: 1, maxLength: 40 },
)

/** Somebody whose attempts are counted, and the time that passes for it. */
interface Counted {
  /** @returns how it ended, or how it was refused */
  attempt(ending: Ending): Promise<string>
  pass(seconds: number): Promise<void>
}

/** Takes the steps, with nothing but the number of failures to foresee what becomes of each. */
async function walk(taken: readonly Step[], { attempt, pass }: Counted): Promise<void> {
  let failures = 0
  const tryEarly = async () => {
    if (delayAfter(failures) === 0) return
    // Back to a moment that is surely before the end of the delay.
    await pass(-100)
    expect(await attempt('right')).toMatch(/^refused/)
    await pass(100)
  }
  for (const step of taken) {
    if (step === 'early') {
      await tryEarly()
      continue
    }
    // One more failure: an attempt that is taken back is remembered for as long as if it had failed.
    await pass(step === 'forgotten' ? rememberedAfter(failures + 1) : delayAfter(failures))
    if (step !== 'forgotten') expect(await attempt(step)).toBe(step)
    if (step === 'wrong') failures++
    if (step === 'right' || step === 'forgotten') failures = 0
  }
}

/** Lets time pass for one account, or for all that there are. */
async function pass(seconds: number): Promise<void> {
  const time = sql`make_interval(secs => ${seconds})`
  await inCore(
    test.platform,
    sql`UPDATE throttles SET blocked_until = blocked_until - ${time}, expires_at = expires_at - ${time}`,
  )
}

/** What becomes of a check that would end so. */
async function attempt(who: string, ending: Ending): Promise<string> {
  const check = async () => {
    if (ending === 'wrong') throw authErrors.invalidCredentials()
    if (ending === 'broken') throw new Error('the database is away')
  }
  const ended = throttle.guard({ purpose: 'sign-in', who }, check)
  return await ended.then(
    () => 'right',
    (error: Error & { code?: string; headers?: Record<string, string> }) =>
      error.code === 'rate-limited' ? `refused for ${error.headers?.['retry-after']}` : ending,
  )
}

describe('the schedule of failed sign-ins', () => {
  it('has five free, doubles to a minute, locks after each ten, and closes at a hundred', () => {
    expect(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 99, 100].map((failures) => delayAfter(failures)),
    ).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 900, 60, 60, 900, 60, MONTH])
    expect([1, 4, 10, 26, 27, 100].map((failures) => rememberedAfter(failures) / 3_600)).toEqual([
      1, 16, 100, 676, 720, 720,
    ])
  })

  it('allows ten times the failures outside production, with the same delays', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), (failures) => {
        expect(delayAfter(failures * 10, 10)).toBe(delayAfter(failures))
        expect(rememberedAfter(failures * 10, 10)).toBe(rememberedAfter(failures))
      }),
    )
    expect([49, 50, 101].map((failures) => delayAfter(failures, 10))).toEqual([0, 1, 32])
  })

  it('never forgets a failure before the delay after it is over', () => {
    for (let failures = 1; failures <= 100; failures++)
      expect(rememberedAfter(failures)).toBeGreaterThanOrEqual(delayAfter(failures))
  })

  it('is what the database keeps to, whatever comes in which order', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const who = `${unique('who')}@example.com`
        await walk(taken, { attempt: (ending) => attempt(who, ending), pass })
      }),
      { numRuns: runs(25) },
    )
  })

  it('closes an account at a hundred failures, and says for how long', async () => {
    const who = `${unique('who')}@example.com`
    for (let failures = 0; failures < 100; failures++) {
      await pass(delayAfter(failures))
      expect(await attempt(who, 'wrong')).toBe('wrong')
    }
    expect(await attempt(who, 'right')).toBe(`refused for ${MONTH}`)
    await throttle.forgive({ purpose: 'sign-in', who })
    expect(await attempt(who, 'right')).toBe('right')
  })

  it('is what a process keeps to that counts alone', async () => {
    const memory = new MemoryCounter(createSchedule(1))
    let nowMs = 1_000_000
    const pass = async (seconds: number) => {
      nowMs += seconds * 1000
    }
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const who = unique('who')
        const attempt = async (ending: Ending) => {
          const { isAllowed, failures } = memory.count(who, nowMs)
          if (!isAllowed) return 'refused'
          if (ending === 'right') memory.forget(who)
          if (ending === 'broken') memory.takeBack(who, failures, nowMs)
          return ending
        }
        await walk(taken, { attempt, pass })
      }),
    )
  })
})

describe('the sweep', () => {
  it('deletes what expired and no more, and keeps the rows within their bound, those that say the least first', async () => {
    const { core } = test.platform
    await inCore(test.platform, sql`DELETE FROM throttles`)
    await inCore(
      test.platform,
      sql`INSERT INTO throttles (key, count, blocked_until, expires_at)
        SELECT 'key ' || n, 1, now(), now() + make_interval(mins => n) FROM generate_series(-10, 10) AS n`,
    )
    expect(await sweep(core, { rows: 1_000, batch: 4 })).toBe(4)
    expect(await sweep(core, { rows: 1_000, batch: 100 })).toBe(7)
    expect(await sweep(core, { rows: 1_000, batch: 100 })).toBe(0)
    expect(await sweep(core, { rows: 3, batch: 100 })).toBe(7)
    const left = await inCore<{ key: string }>(
      test.platform,
      sql`SELECT key FROM throttles ORDER BY expires_at`,
    )
    expect(left.map(({ key }) => key)).toEqual(['key 8', 'key 9', 'key 10'])
  })
})
