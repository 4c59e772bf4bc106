import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to PostgreSQL that can stop to carry anything, as a broken network does: nobody is told. */
export interface BlackHole extends AsyncDisposable {
  /** The given DATABASE_URL, by this way. */
  readonly url: string
  /** From now on nothing arrives; connections stay open, and new ones are accepted. */
  swallow(): void
  /** Settles when it swallows. */
  readonly swallows: Promise<void>
}

/**
 * Opens a way to the server that a DATABASE_URL names.
 *
 * @param until words of a statement; with it and after it nothing arrives
 */
export async function openBlackHole(databaseUrl: string, until?: string): Promise<BlackHole> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  const begun = Promise.withResolvers<void>()
  let swallows = false
  const swallow = () => {
    swallows = true
    begun.resolve()
  }
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((near) => {
    keep(near)
    // Read and dropped: a peer whose packets nobody took would find out.
    if (swallows) return void near.resume()
    const far = connect(Number(target.port), target.hostname)
    keep(far)
    carry(near, far, (data) => {
      if (until !== undefined && data?.includes(until)) swallow()
      return swallows
    })
    carry(far, near, () => swallows)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    swallow,
    swallows: begun.promise,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function carry(from: Socket, to: Socket, isSwallowed: (data?: Buffer) => boolean): void {
  from.on('data', (data: Buffer) => isSwallowed(data) || to.write(data))
  from.on('end', () => isSwallowed() || to.end())
}
