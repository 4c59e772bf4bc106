import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AppError } from '../../platform/index.ts'
import { parseJson } from './parse.ts'
import { isCleanText } from './text.ts'

const TREACHEROUS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']

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

describe('C2: text that is no JSON', () => {
  it.each([
    ['nothing', ''],
    ['white space', '  \n'],
    ['a trailing comma', '{"a":1,}'],
    ['NaN', '{"a":NaN}'],
    ['Infinity', '[Infinity]'],
    ['single quotes', "{'a':1}"],
    ['a bare name', '{a:1}'],
    ['a comment', '{/* a */}'],
    ['two values', '{}{}'],
    ['a leading zero', '[01]'],
    ['a raw line break in a string', '["a\nb"]'],
    ['brackets that do not match', '{"a":[}]'],
    ['a closing bracket alone', ']'],
    ['a string without an end', '"abc'],
    ['a string that ends in a backslash', '"abc\\'],
    ['a byte order mark', '\ufeff{}'],
  ])('refuses %s as malformed', (_, text) => {
    expect(refusal(text).code).toBe('malformed-request')
  })

  it.each(['{}', '[]', '"x"', 'null', '1', 'true', ' {"a" : [1, 2]} '])('leaves %s to the schema', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text))
  })
})

describe('C3: names that mean something to JavaScript', () => {
  it.each(TREACHEROUS)('refuses "%s" at any depth', (name) => {
    for (const text of [`{"${name}":1}`, `{"a":[{"b":{"${name}":{"x":1}}}]}`]) {
      expect(refusal(text).code).toBe('malformed-request')
    }
  })

  it('refuses them when they are written with escapes', () => {
    expect(refusal('{"\\u005f_proto__":{"admin":true}}').code).toBe('malformed-request')
  })

  it('takes them as values', () => {
    expect(parse('{"a":"__proto__"}')).toEqual({ a: '__proto__' })
  })

  it('never changes Object.prototype, whatever comes', () => {
    const names = fc.constantFrom(...TREACHEROUS, 'a', 'b')
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.array(tie('node')),
        fc.dictionary(names, tie('node')),
      ),
    })).node
    const before = Object.getOwnPropertyNames(Object.prototype).sort()
    fc.assert(
      fc.property(value, (tree) => {
        try {
          parse(JSON.stringify(tree))
        } catch {
          // Refused is fine too.
        }
        expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(before)
        expect(({} as { admin?: unknown }).admin).toBeUndefined()
      }),
    )
  })
})

describe('C7: bytes and characters', () => {
  it.each([
    ['a byte that UTF-8 never has', [0x22, 0xff, 0x22]],
    ['half a character', [0x22, 0xc3, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['an overlong NUL', [0x22, 0xc0, 0x80, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a character beyond Unicode', [0x22, 0xf5, 0x80, 0x80, 0x80, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])('refuses %s as malformed', (_, bytes) => {
    expect(refusal(Buffer.from(bytes)).code).toBe('malformed-request')
  })

  it.each([
    ['NUL', '\\u0000'],
    ['a C0 control', '\\u001b'],
    ['DEL', '\\u007f'],
    ['a C1 control', '\\u0085'],
    ['a lone high surrogate', '\\ud800'],
    ['a lone low surrogate', '\\udc00'],
    ['surrogates in the wrong order', '\\udc00\\ud800'],
    ['a right-to-left override', '\\u202e'],
    ['an isolate', '\\u2066'],
    ['a byte order mark', '\\ufeff'],
    ['a noncharacter', '\\ufdd0'],
    ['U+FFFE', '\\ufffe'],
    ['a noncharacter of another plane', '\\ud83f\\udffe'],
  ])('names the place of %s', (_, written) => {
    const error = refusal(`{"a":[1,{"b/c":"x${written}"}]}`)
    expect(error).toMatchObject({
      code: 'validation-failed',
      errors: [{ pointer: '/a/1/b~1c', code: 'forbidden-character' }],
    })
  })

  it('does not repeat a name that may not be shown', () => {
    const error = refusal('{"outer":{"a\\u202eb":1}}')
    expect(error.errors).toEqual([{ pointer: '/outer', code: 'forbidden-character' }])
  })

  it('takes line breaks, tabs, emoji and every script', () => {
    const text = 'a\n\t\r 👩‍👩‍👧 العربية 日本語 \u200d é'
    expect(parse(JSON.stringify({ text }))).toEqual({ text })
  })
})

/** Says whether a value is one that the rules above allow. */
function isClean(value: unknown): boolean {
  if (typeof value === 'string') return isCleanText(value)
  if (Array.isArray(value)) return value.every(isClean)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(
    ([name, member]) => !TREACHEROUS.includes(name) && isCleanText(name) && isClean(member),
  )
}

it('gives every clean value unchanged', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary', maxDepth: 5 }), (text) => {
      const value = JSON.parse(text)
      fc.pre(isClean(value))
      expect(parse(text)).toEqual(value)
    }),
  )
})

it('gives a value or an expected error, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseJson(Buffer.from(bytes))
      } catch (error) {
        expect((error as AppError).status).toBeLessThan(500)
      }
    }),
  )
})
