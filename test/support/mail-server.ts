import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

/** What a mail server does with a message: nothing, or an answer by throwing; called with how many came before. */
export type Reception = (before: number) => Promise<void> | void

export interface MailServer {
  readonly url: string
  /** Raw messages that were taken, oldest first. */
  readonly taken: readonly string[]
  /** Messages that were offered, taken or not. */
  readonly offered: readonly string[]
  /** Cuts every connection. */
  drop(): void
  close(): Promise<void>
}

/** A real SMTP server on this machine. */
export async function startMailServer(receive: Reception = () => undefined): Promise<MailServer> {
  const taken: string[] = []
  const offered: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onData: async (stream, _session, done) => {
      const message = await text(stream)
      offered.push(message)
      try {
        await receive(offered.length - 1)
        taken.push(message)
        done()
      } catch (error) {
        done(error as Error)
      }
    },
  })
  // A client that is cut off is no failure of the test.
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.server.address() as AddressInfo
  const drop = () => {
    for (const connection of server.connections) connection.close()
  }
  return {
    url: `smtp://127.0.0.1:${port}`,
    taken,
    offered,
    drop,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}

/** An answer of the server: 4yz for "later", 5yz for "never". */
export function smtpError(responseCode: number): Error {
  return Object.assign(new Error('refused, says the test'), { responseCode })
}
