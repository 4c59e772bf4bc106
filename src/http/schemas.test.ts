import { type Static, type TSchema, Type } from 'typebox'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { Exactly, Id, Nullable, responses, Timestamp } from './index.ts'
import { makeServer, named } from './test-support.ts'

/** Sends `value` through the serializer of a route that answers with `schema`. */
async function serialize(schema: TSchema, value: unknown): Promise<unknown> {
  await using server = await makeServer()
  server.get(
    '/',
    { schema: { ...named('root'), response: responses({ 200: schema }) } },
    async () => value as never,
  )
  const answer = await server.inject('/')
  return answer.statusCode === 200 ? answer.json() : answer.statusCode
}

/** Says whether a route that takes `schema` takes `value`. */
async function accepts(schema: TSchema, value: unknown): Promise<boolean> {
  await using server = await makeServer()
  const body = Exactly({ value: schema })
  server.post('/', { schema: { ...named('root'), body } }, async () => ({}))
  return (await server.inject({ method: 'POST', url: '/', payload: { value } })).statusCode === 200
}

describe('Nullable', () => {
  it('is a type of both', () => {
    const schema = Exactly({ name: Nullable(Type.String()), age: Type.Optional(Nullable(Type.Integer())) })
    expectTypeOf<Static<typeof schema>>().toEqualTypeOf<{ name: string | null; age?: number | null }>()
  })

  it.each([
    ['text', Type.String({ minLength: 2 }), 'ab', ['a', 1]],
    ['a number', Type.Integer({ minimum: 1 }), 5, [0, '5']],
    ['a boolean', Type.Boolean(), false, ['false', 0]],
    ['a choice', Type.Enum(['a', 'b']), 'b', ['c', 1]],
    ['an object', Exactly({ a: Type.String() }), { a: 'x' }, [{}, { a: 'x', b: 1 }, []]],
    ['a list', Type.Array(Type.String()), ['x'], [[1], 'x']],
    ['a moment', Timestamp, '2026-01-01T00:00:00Z', ['yesterday']],
  ])('takes and writes %s or null, and nothing else', async (_, schema, value, others) => {
    const nullable = Nullable(schema)
    for (const good of [value, null]) {
      expect(await accepts(nullable, good)).toBe(true)
      expect(await serialize(Exactly({ field: nullable }), { field: good })).toEqual({ field: good })
    }
    for (const other of others) expect(await accepts(nullable, other)).toBe(false)
  })

  it('refuses a schema without a type of its own', () => {
    expect(() => Nullable(Type.Union([Type.String(), Type.Integer()]))).toThrow('one type')
    expect(() => Nullable(Type.Ref('Other'))).toThrow('one type')
  })
})

describe('Id', () => {
  it.each([
    ['01890000-0000-7000-8000-000000000000', true],
    ['01890000-0000-7000-8000-00000000000A', false],
    ['{01890000-0000-7000-8000-000000000000}', false],
    ['urn:uuid:01890000-0000-7000-8000-000000000000', false],
    ['01890000000070008000000000000000', false],
    ['', false],
  ])('takes %s: %s', async (id, good) => {
    expect(await accepts(Id, id)).toBe(good)
  })
})

describe('G6: answers', () => {
  const User = Exactly({ id: Type.String(), name: Nullable(Type.String()) }, { $id: 'User' })

  it('hold only what the schema lists', async () => {
    const row = { id: '1', name: null, password_hash: '$argon2', email: 'a@b' }
    expect(await serialize(User, row)).toEqual({ id: '1', name: null })
    expect(await serialize(Type.Array(User), [row])).toEqual([{ id: '1', name: null }])
    expect(await serialize(Exactly({ user: Nullable(User) }), { user: row })).toEqual({
      user: { id: '1', name: null },
    })
  })

  it('that lack a field are a fault of ours', async () => {
    expect(await serialize(User, { id: '1' })).toBe(500)
  })
})
