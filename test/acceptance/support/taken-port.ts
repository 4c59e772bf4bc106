import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** A port of this machine that is in use. */
export interface TakenPort extends AsyncDisposable {
  readonly port: number
}

/** Listens on any port, and hangs up on everybody. */
export async function takePort(): Promise<TakenPort> {
  return await listenAnywhere(createServer((socket) => socket.destroy()))
}

/** Lets a server listen on any port. */
export async function listenAnywhere(server: Server): Promise<TakenPort> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('listening without a port')
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  await using taken = await takePort()
  return taken.port
}
