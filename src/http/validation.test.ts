import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Exactly, Nullable } from './index.ts'
import { makeServer, named } from './test-support.ts'

const Body = Exactly({
  text: Type.String({ minLength: 2, maxLength: 4 }),
  'a/b~c': Type.Optional(Type.Integer()),
  number: Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 10, multipleOf: 0.5 })),
  email: Type.Optional(Type.String({ format: 'email' })),
  digits: Type.Optional(Type.String({ pattern: '^[0-9]+$' })),
  colour: Type.Optional(Type.Enum(['red', 'green'])),
  kind: Type.Optional(Type.Literal('x')),
  maybe: Type.Optional(Nullable(Type.String())),
  list: Type.Optional(
    Type.Array(Exactly({ id: Type.Integer() }), { minItems: 1, maxItems: 2, uniqueItems: true }),
  ),
  map: Type.Optional(Type.Object({}, { additionalProperties: true, maxProperties: 1 })),
})

async function send(body: unknown) {
  await using server = await makeServer()
  server.post('/', { schema: { ...named('root'), body: Body } }, async (request) => request.body)
  const answer = await server.inject({
    method: 'POST',
    url: '/',
    payload: JSON.stringify(body),
    headers: JSON_TYPE,
  })
  return { status: answer.statusCode, errors: answer.json().errors }
}

const JSON_TYPE = { 'content-type': 'application/json' }

describe('C5: types', () => {
  it.each([1, 1.5, [], ['ab'], {}, true, null])('refuses %j where text is wanted', async (text) => {
    expect(await send({ text })).toEqual({ status: 422, errors: [{ pointer: '/text', code: 'type' }] })
  })

  it.each(['1', '', true, null, [1]])('refuses %j where a number is wanted', async (number) => {
    expect(await send({ text: 'ab', number })).toMatchObject({
      status: 422,
      errors: [{ pointer: '/number', code: 'type' }],
    })
  })

  it.each(['x', null, 1, [], true])('refuses %j where an object is wanted', async (body) => {
    expect(await send(body)).toEqual({ status: 422, errors: [{ pointer: '', code: 'type' }] })
  })

  it('refuses a body that is not there', async () => {
    await using server = await makeServer()
    server.post('/', { schema: { ...named('root'), body: Body } }, async () => ({}))
    const answer = await server.inject({ method: 'POST', url: '/' })
    expect(answer.statusCode).toBe(422)
  })
})

describe('C6: properties that nobody asked for', () => {
  it.each([
    [{ text: 'ab', admin: true }, '/admin'],
    [{ text: 'ab', list: [{ id: 1, role: 'owner' }] }, '/list/0/role'],
    [{ text: 'ab', 'x/y~z': 1 }, '/x~1y~0z'],
    [{ text: 'ab', ['k'.repeat(1000)]: 1 }, ''],
  ])('refuses %j', async (body, pointer) => {
    expect(await send(body)).toEqual({ status: 422, errors: [{ pointer, code: 'unknown-property' }] })
  })
})

describe('rules have stable names', () => {
  it.each([
    [{}, '/text', 'required'],
    [{ text: 'a' }, '/text', 'too-short'],
    [{ text: 'abcde' }, '/text', 'too-long'],
    [{ text: 'ab', 'a/b~c': 'x' }, '/a~1b~0c', 'type'],
    [{ text: 'ab', number: -1 }, '/number', 'too-small'],
    [{ text: 'ab', number: 10 }, '/number', 'too-large'],
    [{ text: 'ab', number: 0.7 }, '/number', 'not-a-multiple'],
    [{ text: 'ab', email: 'nobody' }, '/email', 'invalid-format'],
    [{ text: 'ab', digits: 'x' }, '/digits', 'invalid-format'],
    [{ text: 'ab', colour: 'blue' }, '/colour', 'not-allowed'],
    [{ text: 'ab', kind: 'y' }, '/kind', 'not-allowed'],
    [{ text: 'ab', maybe: 1 }, '/maybe', 'type'],
    [{ text: 'ab', list: [] }, '/list', 'too-few'],
    [{ text: 'ab', list: [{ id: 1 }, { id: 2 }, { id: 3 }] }, '/list', 'too-many'],
    [{ text: 'ab', list: [{ id: 1 }, { id: 1 }] }, '/list', 'not-unique'],
    [{ text: 'ab', map: { a: 1, b: 2 } }, '/map', 'too-many'],
  ])('%j breaks at "%s" the rule %s', async (body, pointer, code) => {
    expect(await send(body)).toEqual({ status: 422, errors: [{ pointer, code }] })
  })

  it('counts characters, not bytes or UTF-16 units', async () => {
    expect((await send({ text: '🦄🦄🦄🦄' })).status).toBe(200)
    expect((await send({ text: '🦄🦄🦄🦄🦄' })).errors).toEqual([{ pointer: '/text', code: 'too-long' }])
  })
})

describe('C19: queries and path parameters are text', () => {
  const query = Exactly({ limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$' })) })
  const params = Exactly({ id: Type.String({ pattern: '^[a-z]+$' }) })

  it.each([
    ['/x', 200, undefined],
    ['/x?limit=100', 200, undefined],
    ['/x?limit=-1', 422, { pointer: '#/query/limit', code: 'invalid-format' }],
    ['/x?limit=0', 422, { pointer: '#/query/limit', code: 'invalid-format' }],
    ['/x?limit=1e3', 422, { pointer: '#/query/limit', code: 'invalid-format' }],
    ['/x?limit=1000000000', 422, { pointer: '#/query/limit', code: 'invalid-format' }],
    ['/x?limit=%D9%A1%D9%A0', 422, { pointer: '#/query/limit', code: 'invalid-format' }],
    ['/x?limit=1&limit=2', 422, { pointer: '#/query/limit', code: 'type' }],
    ['/x?limit[]=1', 422, { pointer: '#/query/limit[]', code: 'unknown-property' }],
    ['/x?other=1', 422, { pointer: '#/query/other', code: 'unknown-property' }],
    ['/X', 422, { pointer: '#/params/id', code: 'invalid-format' }],
  ])('answers %s with %i', async (url, status, error) => {
    await using server = await makeServer()
    const schema = { ...named('item'), params, querystring: query }
    server.get('/:id', { schema }, async () => ({}))
    const answer = await server.inject(url)
    expect(answer.statusCode).toBe(status)
    if (error) expect(answer.json().errors).toEqual([error])
  })
})

describe('route rules', () => {
  it.each([
    ['no operationId', { schema: { summary: 'x' } }],
    ['no summary', { schema: { operationId: 'x' } }],
    ['no schema', { schema: {} }],
    ['an open body', { schema: { ...named('x'), body: Type.Object({ a: Type.String() }) } }],
    [
      'an open object in the body',
      { schema: { ...named('x'), body: Exactly({ a: Type.Object({ b: Type.String() }) }) } },
    ],
    ['an open query', { schema: { ...named('x'), querystring: Type.Object({ a: Type.String() }) } }],
  ])('refuse a route with %s', async (_, options) => {
    await using server = await makeServer()
    expect(() => server.post('/', options as { schema: object }, async () => ({}))).toThrow('Route POST /')
  })
})
