import { describe, expect, it } from 'vitest'
import type { HttpServer } from './index.ts'
import { makeServer, named } from './test-support.ts'

async function makeItems(): Promise<{ server: HttpServer; changes: () => number }> {
  const server = await makeServer({ docs: true })
  let changes = 0
  server.get('/items/:id', { schema: named('get') }, async () => ({ id: 'x' }))
  server.put('/items/:id', { schema: named('put') }, async () => ({ changes: ++changes }))
  server.post('/items', { schema: named('post') }, async () => ({ changes: ++changes }))
  return { server, changes: () => changes }
}

describe('C12: methods', () => {
  it.each([
    ['POST', '/items/1', 'GET, HEAD, PUT'],
    ['DELETE', '/items/1?x=y', 'GET, HEAD, PUT'],
    ['TRACE', '/items/1', 'GET, HEAD, PUT'],
    ['OPTIONS', '/items/1', 'GET, HEAD, PUT'],
    ['PROPFIND', '/items/1', 'GET, HEAD, PUT'],
    ['QUERY', '/items/1', 'GET, HEAD, PUT'],
    ['GET', '/items', 'POST'],
    ['HEAD', '/items', 'POST'],
    ['POST', '/health/live', 'GET, HEAD'],
    ['POST', '/docs', 'GET, HEAD'],
  ])('answers %s %s with 405 and Allow: %s', async (method, url, allow) => {
    const { server, changes } = await makeItems()
    await using _server = server
    const answer = await server.inject({ method: method as 'GET', url })
    expect(answer.statusCode).toBe(405)
    expect(answer.headers.allow).toBe(allow)
    expect(changes()).toBe(0)
  })

  it.each(['GET', 'POST', 'OPTIONS', 'PROPFIND'])(
    'answers %s of an unknown address with 404',
    async (method) => {
      const { server } = await makeItems()
      await using _server = server
      const answer = await server.inject({ method: method as 'GET', url: '/nowhere' })
      expect(answer.statusCode).toBe(404)
      expect(answer.json()).toMatchObject({ code: 'not-found' })
      expect(answer.headers.allow).toBeUndefined()
    },
  )

  it('answers HEAD as GET, without the body', async () => {
    const { server, changes } = await makeItems()
    await using _server = server
    const [head, get] = [
      await server.inject({ method: 'HEAD', url: '/items/1' }),
      await server.inject('/items/1'),
    ]
    expect(head.statusCode).toBe(200)
    expect(head.body).toBe('')
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
    expect(changes()).toBe(0)
  })

  it('does not read the body of a request that nobody takes', async () => {
    const { server } = await makeItems()
    await using _server = server
    const answer = await server.inject({ method: 'POST', url: '/nowhere', payload: '{', headers: JSON_TYPE })
    expect(answer.statusCode).toBe(404)
  })
})

it('answers a static file that is not there with 404', async () => {
  const { server } = await makeItems()
  await using _server = server
  for (const url of ['/docs/static/none.js', '/docs/static/..%2f..%2fpackage.json']) {
    const answer = await server.inject(url)
    expect([url, answer.statusCode, answer.json().code]).toEqual([url, 404, 'not-found'])
  }
})

const JSON_TYPE = { 'content-type': 'application/json' }
