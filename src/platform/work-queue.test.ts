import { describe, expect, it } from 'vitest'
import { WorkQueue, WorkQueueFullError } from './work-queue.ts'

/** Work that ends when the test says so. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { work: () => promise, open: resolve }
}

describe('WorkQueue', () => {
  it('I1 runs so many at once, and the others in order', async () => {
    const queue = new WorkQueue({ running: 2, waiting: 10, maxWaitMs: 60_000 })
    let running = 0
    let most = 0
    const order: number[] = []
    const work = async (index: number) => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      order.push(index)
      running--
    }
    await Promise.all([0, 1, 2, 3, 4, 5].map((index) => queue.run(() => work(index))))
    expect(most).toBe(2)
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('I1 refuses at once what does not fit', async () => {
    const queue = new WorkQueue({ running: 1, waiting: 1, maxWaitMs: 60_000 })
    const held = gate()
    const first = queue.run(held.work)
    const second = queue.run(held.work)
    await expect(queue.run(held.work)).rejects.toThrow(WorkQueueFullError)
    held.open()
    await Promise.all([first, second])
  })

  it('refuses what waits too long, and goes on', async () => {
    const queue = new WorkQueue({ running: 1, waiting: 10, maxWaitMs: 1 })
    const held = gate()
    const first = queue.run(held.work)
    await expect(queue.run(held.work)).rejects.toThrow(WorkQueueFullError)
    held.open()
    await first
    await expect(queue.run(async () => 'served')).resolves.toBe('served')
  })

  it('gives the place back after a failure', async () => {
    const queue = new WorkQueue({ running: 1, waiting: 10, maxWaitMs: 1_000 })
    await expect(queue.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    await expect(queue.run(async () => 'served')).resolves.toBe('served')
  })
})
