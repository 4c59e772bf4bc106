import { describe, expect, it } from 'vitest'
import type { AppError } from '../../platform/index.ts'
import { parseJson } from './parse.ts'

function parse(text: string | Buffer): unknown {
  return parseJson(Buffer.from(text as string))
}

function refusal(text: string | Buffer): AppError {
  try {
    parse(text)
  } catch (error) {
    return error as AppError
  }
  throw new Error('The text was accepted')
}

describe('C9: size', () => {
  /** Time and memory of the worst that a megabyte can hold. */
  it.each([
    ['200,000 open brackets', '['.repeat(200_000), 'malformed-request'],
    ['200,000 nested objects', '{"a":'.repeat(200_000), 'malformed-request'],
    [
      '170,000 keys',
      `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`).join()}}`,
      'payload-too-large',
    ],
    ['100,000 elements', `[${'0,'.repeat(99_999)}0]`, 'payload-too-large'],
    ['a number of a million digits', `[${'1'.repeat(1_000_000)}]`, 'validation-failed'],
    ['a million backslashes', `["${'\\'.repeat(1_000_000)}`, 'malformed-request'],
    ['a bad character at the end of a megabyte', `["${'a'.repeat(1_000_000)}\\u0000"]`, 'validation-failed'],
  ])('refuses %s in 100 ms of work', (_, text, code) => {
    const body = Buffer.from(text)
    // Of this thread's processor, not of the wall's clock: other tests run beside this one.
    const start = process.threadCpuUsage()
    expect(refusal(body).code).toBe(code)
    const { user, system } = process.threadCpuUsage(start)
    expect((user + system) / 1000).toBeLessThan(100)
  })

  it('takes 32 levels and refuses 33', () => {
    expect(() => parse(`${'['.repeat(32)}${']'.repeat(32)}`)).not.toThrow()
    expect(refusal(`${'['.repeat(33)}${']'.repeat(33)}`).code).toBe('malformed-request')
  })

  it('takes brackets inside strings for text', () => {
    const text = JSON.stringify({ a: '[{'.repeat(1000), 'b\\"[': '\\' })
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  it('takes 10,000 elements', () => {
    expect(parse(`[${'0,'.repeat(9_999)}0]`)).toHaveLength(10_000)
  })

  it.each(['1e400', '-1e400', '[1e999999]'])('refuses %s, which no double holds', (text) => {
    expect(refusal(text)).toMatchObject({ code: 'validation-failed', errors: [{ code: 'out-of-range' }] })
  })

  it('shortens a pointer that the client made long', () => {
    const error = refusal(`{"short":{"${'long'.repeat(1000)}":"\\u0000"}}`)
    expect(error.errors).toEqual([{ pointer: '/short', code: 'forbidden-character' }])
  })
})
