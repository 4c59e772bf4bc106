import { describe, expect, it } from 'vitest'
import { AppError, defineErrors } from '../platform/index.ts'
import { httpErrors, PROBLEM_TYPE_BASE } from './index.ts'
import { listen, makeServer, named, recordingLogger } from './test-support.ts'

const teapotErrors = defineErrors({
  short: { code: 'short-and-stout', status: 418, title: 'Short and stout', detail: 'Tip me over.' },
  broken: { code: 'pot-broken', status: 503, title: 'Broken', detail: 'Buy a new one.', retryAfter: 60 },
})

/** What the route of a test throws, and what the client hears and the log says of it. */
async function answerTo(thrown: unknown) {
  const { log, lines } = recordingLogger()
  await using server = await makeServer({ log, errors: [teapotErrors] })
  server.get('/', { schema: named('root') }, async () => {
    throw thrown
  })
  const answer = await server.inject('/')
  return { answer, problem: answer.json(), lines }
}

function databaseError(code: string): Error {
  return Object.assign(new Error(`relation "secret" (SQLSTATE ${code})`), {
    code,
    ...(code.length === 5 && { severity: 'ERROR' }),
  })
}

describe('expected errors', () => {
  it('become problem+json with all that RFC 9457 and the contract name', async () => {
    const { answer, problem, lines } = await answerTo(
      teapotErrors.short({
        errors: [{ pointer: '/handle', code: 'too-hot' }],
        headers: { 'x-spout': 'yes' },
      }),
    )
    expect(answer.statusCode).toBe(418)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'x-spout': 'yes',
    })
    expect(problem).toEqual({
      type: `${PROBLEM_TYPE_BASE}short-and-stout`,
      title: 'Short and stout',
      status: 418,
      detail: 'Tip me over.',
      instance: `urn:uuid:${answer.headers['x-request-id']}`,
      code: 'short-and-stout',
      errors: [{ pointer: '/handle', code: 'too-hot' }],
    })
    expect(lines).toMatchObject([{ status: 418, level: 30 }])
  })

  it('show a text of their own below 500', async () => {
    const { problem } = await answerTo(teapotErrors.short({ detail: 'Too short.' }))
    expect(problem.detail).toBe('Too short.')
  })

  it('of 5xx show the text of their kind only, and are logged', async () => {
    const thrown = teapotErrors.broken({ detail: 'handle of /srv/pots/7 broke', cause: new Error('inner') })
    const { answer, problem, lines } = await answerTo(thrown)
    expect(answer.headers['retry-after']).toBe('60')
    expect(problem.detail).toBe('Buy a new one.')
    expect(lines).toMatchObject([{ status: 503, request_id: answer.headers['x-request-id'], level: 40 }])
    expect(JSON.stringify(lines)).toContain('inner')
  })

  it('of 5xx show a general text when their kind is not registered', async () => {
    const stranger = { code: 'stranger', status: 500, title: 'Stranger', detail: 'at /srv/secret' }
    const { problem } = await answerTo(new AppError(stranger, { detail: 'at /srv/secret' }))
    expect(problem.detail).toBe(httpErrors.internalError.definition.detail)
  })
})

describe('unexpected errors', () => {
  it.each([
    ['an error', new Error('password=hunter2 at /srv/app.ts')],
    [
      'an error with a status of some other server',
      Object.assign(new Error('upstream'), { statusCode: 404 }),
    ],
    ['a string', 'boom'],
    ['nothing', undefined],
    ['a duplicate that nobody expected', databaseError('23505')],
    ['text that the database refused', databaseError('22021')],
    ['a code that nobody knows', databaseError('XX000')],
  ])('answer %s with 500, say nothing, and are logged once', async (_, thrown) => {
    const { answer, problem, lines } = await answerTo(thrown)
    expect(answer.statusCode).toBe(500)
    expect(problem).toMatchObject({
      code: 'internal-error',
      detail: httpErrors.internalError.definition.detail,
    })
    expect(answer.body).not.toMatch(/hunter2|\/srv|SQLSTATE|secret|upstream|boom/)
    expect(lines).toMatchObject([{ status: 500, request_id: answer.headers['x-request-id'], level: 50 }])
  })
})

describe('J: errors of the database that nobody understood', () => {
  it.each([
    ['40001', 'database-unavailable'],
    ['40P01', 'database-unavailable'],
    ['57014', 'database-unavailable'],
    ['55P03', 'database-unavailable'],
    ['53300', 'overloaded'],
    ['53100', 'database-unavailable'],
    ['57P01', 'database-unavailable'],
    ['08006', 'database-unavailable'],
    ['3D000', 'database-unavailable'],
    ['42501', 'database-unavailable'],
    ['28P01', 'database-unavailable'],
    ['42P01', 'database-unavailable'],
    ['ECONNREFUSED', 'database-unavailable'],
    ['ECONNRESET', 'database-unavailable'],
  ])('answers %s with %s', async (code, slug) => {
    const wrapped = new Error('Failed query: select "secret"', { cause: databaseError(code) })
    for (const thrown of [databaseError(code), wrapped]) {
      const { answer, problem } = await answerTo(thrown)
      expect(answer.statusCode).toBe(503)
      expect(answer.headers['retry-after']).toBe('5')
      expect(problem.code).toBe(slug)
      expect(answer.body).not.toMatch(/SQLSTATE|secret|select/)
    }
  })

  it('knows a lost connection by its message', async () => {
    const { problem } = await answerTo(new Error('Connection terminated unexpectedly'))
    expect(problem.code).toBe('database-unavailable')
  })
})

it('G4: no error of a body tells where or how it was read', async () => {
  await using server = await makeServer()
  server.post('/', { schema: named('root') }, async () => ({}))
  const { url } = await listen(server)
  for (const body of ['{', '{"__proto__":1}', '"\\u0000"', '1e400']) {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    expect(await answer.text()).not.toMatch(/JSON at|position|node_modules|src\/|SyntaxError/)
  }
})

it('refuses two kinds of errors with one code', async () => {
  const twin = defineErrors({ other: { code: 'not-found', status: 404, title: 'Other', detail: 'Other.' } })
  await expect(makeServer({ errors: [twin] })).rejects.toThrow('not-found')
})
