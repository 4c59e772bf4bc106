import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { HttpConnection, requestBytes } from '../../bench/support/load/connection.ts'
import { failures } from '../../bench/support/load/plan.ts'
import { play } from '../../bench/support/load/stream.ts'

let server: Server
const seen: string[] = []

/** Answers /200/… with 200 and so on, in several pieces; /0 with a closed connection, /bye with `connection: close`. */
async function start(): Promise<string> {
  seen.length = 0
  server = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers['x-tenant-id'] ?? ''}`)
    const [, what = ''] = request.url?.split('/') ?? []
    if (what === '0') return request.socket.destroy()
    if (what === 'bye') response.setHeader('connection', 'close')
    response.writeHead(Number(what) || 200, { 'content-length': 6 })
    response.write('abc')
    setImmediate(() => response.end('def'))
    return response
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

describe('HttpConnection', () => {
  it('gives each answer’s status, and goes on after a connection that was closed', async () => {
    const url = await start()
    const connection = new HttpConnection(url)
    const statuses: number[] = []
    for (const path of ['/200', '/503', '/0', '/200', '/bye', '/401'])
      statuses.push(await connection.ask(requestBytes(`${url}${path}`, { 'x-tenant-id': 'a' })))
    expect(statuses).toEqual([200, 503, 0, 200, 200, 401])
    expect(seen).toEqual(['/200 a', '/503 a', '/0 a', '/200 a', '/bye a', '/401 a'])
    connection.close()
  })
})

describe('play', () => {
  it('counts answers by their status, and stays with its targets where each client has its own', async () => {
    const url = await start()
    const targets = [{ url: `${url}/200` }, { url: `${url}/503` }]
    const { all } = await play({
      seconds: 0.2,
      seed: 1,
      streams: { all: { clients: 2, targets, choice: 'own' } },
    })
    expect(Object.keys(all?.statuses ?? {})).toEqual(['200', '503'])
    expect(all && failures(all)).toBe(all?.statuses[503])
    expect(all?.requestsPerSecond).toBeGreaterThan(0)
  })

  it('asks at the pace it is given', async () => {
    const url = await start()
    const stream = { clients: 3, targets: [{ url: `${url}/200` }], choice: 'own', everyMs: 100 } as const
    const { paced } = await play({ seconds: 0.5, seed: 1, streams: { paced: stream } })
    // Those that the end overtakes on a busy machine are not sent; there are never more.
    expect(seen.length).toBeLessThanOrEqual(15)
    expect(seen.length).toBeGreaterThan(0)
    expect(paced?.p99).toBeGreaterThanOrEqual(paced?.p50 ?? Number.NaN)
  })

  it('draws the same targets for the same seed', async () => {
    const url = await start()
    const targets = Array.from({ length: 50 }, (_, index) => ({ url: `${url}/200/${index}` }))
    const draw = async (seed: number) => {
      seen.length = 0
      await play({ seconds: 0.2, seed, streams: { all: { clients: 1, targets, choice: 'zipf' } } })
      return seen.slice(0, 10)
    }
    const first = await draw(1)
    expect(first.length).toBeGreaterThan(0)
    const again = await draw(1)
    const length = Math.min(first.length, again.length)
    expect(again.slice(0, length)).toEqual(first.slice(0, length))
    expect(new Set(first).size).toBeGreaterThan(1)
  })
})
