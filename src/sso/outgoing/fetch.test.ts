import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createOutgoingFetch, type OutgoingRules } from './fetch.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A server on loopback; gives its port. */
async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

const DEVELOPMENT: OutgoingRules = { allowsInternal: true, allowsPlain: true }
const PRODUCTION: OutgoingRules = { allowsInternal: false, allowsPlain: false }
const fault = (name: string) => ({ fault: name })

it('gives what a server answers, and follows no redirect', async () => {
  const port = await serve((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: '/' }).end()
    else response.writeHead(200, { 'x-asked': request.method ?? '' }).end('hello')
  })
  const fetch = createOutgoingFetch(DEVELOPMENT)
  const answer = await fetch(`http://localhost:${port}/`, {
    method: 'POST',
    body: new URLSearchParams({ a: 'b' }),
  })
  expect([answer.status, answer.headers.get('x-asked'), await answer.text()]).toEqual([200, 'POST', 'hello'])
  expect((await fetch(`http://127.0.0.1:${port}/away`, {})).status).toBe(302)
})

it('in production asks over TLS alone', async () => {
  await expect(createOutgoingFetch(PRODUCTION)('http://example.com/', {})).rejects.toMatchObject(
    fault('not-https'),
  )
  for (const url of ['file:///etc/passwd', 'data:,x'])
    await expect(createOutgoingFetch(DEVELOPMENT)(url, {})).rejects.toMatchObject(fault('not-https'))
})

it.each([
  ...[
    '127.0.0.1',
    'localhost',
    '169.254.169.254',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0x7f000001',
    '2130706433',
    '10.0.0.1',
  ],
])('in production refuses %s, before anything is sent', async (host) => {
  let asked = 0
  const port = await serve((_, response) => {
    asked++
    response.end()
  })
  const refused = createOutgoingFetch(PRODUCTION)(`https://${host}:${port}/`, {})
  await expect(refused).rejects.toMatchObject(fault('refused-address'))
  expect(asked).toBe(0)
})

it('asks the Internet in the clear nowhere', async () => {
  await expect(createOutgoingFetch(DEVELOPMENT)('http://8.8.8.8/', {})).rejects.toMatchObject(
    fault('refused-address'),
  )
})

it('gives up on who says nothing, who never ends, and who says too much', async () => {
  const port = await serve((request, response) => {
    if (request.url === '/silent') return
    response.writeHead(200)
    if (request.url === '/slow') response.write('x')
    else response.end('x'.repeat(600_000))
  })
  const fetch = createOutgoingFetch(DEVELOPMENT, 200)
  for (const path of ['silent', 'slow'])
    await expect(fetch(`http://127.0.0.1:${port}/${path}`, {})).rejects.toMatchObject(fault('too-slow'))
  const patient = createOutgoingFetch(DEVELOPMENT)
  await expect(patient(`http://127.0.0.1:${port}/much`, {})).rejects.toMatchObject(fault('too-large'))
})

it('says who cannot be reached', async () => {
  const fetch = createOutgoingFetch(DEVELOPMENT)
  await expect(fetch('http://127.0.0.1:9/', {})).rejects.toMatchObject(fault('unreachable'))
  await expect(fetch('http://nobody.invalid/', {})).rejects.toMatchObject(fault('unreachable'))
})
