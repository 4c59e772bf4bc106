import { expect } from 'vitest'
import type { Finished } from './processes.ts'

/**
 * What a command with --json says: one JSON document on one line, and nothing else on stdout.
 */
// biome-ignore lint/suspicious/noExplicitAny: a test reads fields of many shapes, and a wrong one fails it.
export function json({ code, stdout, stderr }: Finished, exitCode = 0): any {
  expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.any(String) })
  expect(stdout).toMatch(/^[^\n]+\n$/)
  return JSON.parse(stdout)
}
