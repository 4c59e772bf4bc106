import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Server {
  readonly url: string
  stop(): Promise<void>
}

const DEFAULT_PORT = '8000'

/** The server of TENANTRY_URL; else one that runs on PORT; else one that lives as long as the demo. */
export async function findOrStartServer(): Promise<Server> {
  const url = process.env['TENANTRY_URL'] ?? `http://127.0.0.1:${process.env['PORT'] || DEFAULT_PORT}`
  if (await isAlive(url)) return { url, stop: async () => undefined }
  if (process.env['TENANTRY_URL'] !== undefined) throw new Error(`Nothing answers at ${url}.`)
  return await startServer()
}

async function isAlive(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/live`)).ok
  } catch {
    return false
  }
}

async function startServer(): Promise<Server> {
  console.log('No server runs; starting one.')
  const child = spawn(process.execPath, [join('bin', 'tenantry.mjs'), 'serve'], {
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) {
    const url = /API\s+(http\S+)\/api\/v1/.exec(line)?.[1]
    if (url === undefined) continue
    return {
      url,
      stop: async () => {
        child.kill('SIGTERM')
        await ended
      },
    }
  }
  throw new Error('The server did not start.')
}
