import { createServer } from 'node:net'

/** Says whether a port of 127.0.0.1 can be listened on now; 0 asks for any. Gives the port, or `undefined`. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined))
    })
  })
}

/**
 * Finds a port of 127.0.0.1 that is free at this moment, `preferred` where possible. Somebody may take it before
 * PostgreSQL does, so that start must be tried again with another.
 *
 * @throws Error when no port is free at all
 */
export async function freePort(preferred: number | undefined): Promise<number> {
  const port = (preferred !== undefined && (await tryPort(preferred))) || (await tryPort(0))
  if (!port) throw new Error('no port of 127.0.0.1 is free')
  return port
}
