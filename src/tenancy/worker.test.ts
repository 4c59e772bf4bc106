import { expect, it } from 'vitest'
import { currentContext, runInContext, silentLogger } from '../platform/index.ts'
import { Worker } from './worker.ts'

it('a chore that a request woke is not the request’s: its log lines do not name it', async () => {
  const contexts: object[] = []
  const ran = Promise.withResolvers<void>()
  const chore = {
    name: 'listed',
    run: async () => {
      contexts.push({ ...currentContext() })
      if (contexts.length === 3) ran.resolve()
      return true
    },
    intervalMs: 60_000,
    pauseMs: 1,
  }
  const worker = new Worker([chore], silentLogger)
  runInContext({ request_id: 'a request' }, () => {
    worker.start()
    worker.wake('listed')
  })
  await ran.promise
  await worker.stop()
  expect(contexts.slice(0, 3)).toEqual([{}, {}, {}])
})
