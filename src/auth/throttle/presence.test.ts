import { expect, it } from 'vitest'
import { silentLogger } from '../../platform/index.ts'
import { createPresence } from './presence.ts'

const failing = (message: string, code?: string) => async () => {
  throw Object.assign(new Error(message), code !== undefined && { code })
}

it.each([
  ['a server that is not there', 'connect', 'ECONNREFUSED'],
  ['a connection that was cut', 'read', 'ECONNRESET'],
])('%s is away, and not asked again at once', async (_, message, code) => {
  const whilePresent = createPresence(silentLogger)
  expect(await whilePresent(failing(message, code))).toBeUndefined()
  expect(await whilePresent(async () => 'asked')).toBeUndefined()
})

it.each([
  ['a pool with no connection left', 'timeout exceeded when trying to connect', undefined],
  ['a connection that comes too late', 'Connection terminated due to connection timeout', undefined],
  ['a query that takes too long', 'Query read timeout', undefined],
  ['a packet that got lost', 'connect', 'ETIMEDOUT'],
])('%s is no reason to count apart', async (_, message, code) => {
  const whilePresent = createPresence(silentLogger)
  await expect(whilePresent(failing(message, code))).rejects.toThrow(message)
  expect(await whilePresent(async () => 'asked')).toBe('asked')
})
