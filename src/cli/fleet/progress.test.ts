import { expect, it } from 'vitest'
import { Progress } from './progress.ts'

function watched(terminal: boolean) {
  const written: string[] = []
  const clock = { ms: 0 }
  const sink = { write: (text: string) => written.push(text) > 0 }
  return { written, clock, progress: new Progress({ sink, terminal, now: () => clock.ms }) }
}

it('tells how far a run is, with rate, time left and failures', () => {
  const { written, clock, progress } = watched(false)
  progress.note({ kind: 'planned', runId: 'r', tenants: 4, upToDate: 0 })
  clock.ms = 10_000
  progress.note({ kind: 'tenant', tenantId: 't', status: 'failed', durationMs: 5 })
  progress.end()
  expect(written).toEqual(['[#####...............] 1/4  0.1/s  eta 30s  failed 1\n'])
})

it('goes on telling while one tenant takes long', async () => {
  const { written, clock, progress } = watched(false)
  progress.note({ kind: 'planned', runId: 'r', tenants: 1, upToDate: 0 })
  clock.ms = 6_000
  await expect.poll(() => written, { timeout: 5_000 }).toHaveLength(1)
  progress.end()
  expect(written[0]).toBe('[....................] 0/1  0.0/s  eta -  failed 0\n')
})
