import { connect } from 'node:net'
import type pg from 'pg'

const CANCEL_REQUEST_CODE = 80_877_102
const TIMEOUT_MS = 1_000

/**
 * Asks the server to stop what a connection's backend runs at the moment. The request goes over a socket of its own,
 * which takes no connection slot; the server closes it without an answer, whether there was anything to stop or not.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export async function requestCancel(client: pg.Client): Promise<void> {
  // The driver keeps both, and its types leave them out.
  const { processID, secretKey } = client as pg.Client & { processID: number; secretKey: number }
  const request = Buffer.alloc(16)
  request.writeInt32BE(request.length, 0)
  request.writeInt32BE(CANCEL_REQUEST_CODE, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  const { host, port } = client
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('the cancel request was not taken')))
    socket.on('error', reject)
    socket.on('close', () => resolve())
    // The server's closing is only seen by who reads.
    socket.resume()
    socket.write(request)
  })
}
