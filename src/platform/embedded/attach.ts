import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Credentials, readCredentials } from './credentials.ts'
import { codeOf, EmbeddedPostgresError } from './errors.ts'
import {
  type ClientMessage,
  type GuardMessage,
  type GuardRequest,
  guardAddress,
  Link,
  proofOf,
} from './protocol.ts'
import { type SpawnedGuard, spawnGuard } from './spawn-guard.ts'

/** The client's end of a connection to the guard. */
export type GuardLink = Link<GuardMessage, ClientMessage>

/** A guard that counts us, and its server. */
export interface Attachment {
  readonly link: GuardLink
  readonly port: number
  readonly directory: string
  readonly credentials: Credentials
}

const RETRY_MS = 15

/**
 * Connects to the guard of a data directory and waits until PostgreSQL is ready; where there is no guard, one is
 * started.
 *
 * @param note told what the guard has to say meanwhile
 * @throws EmbeddedPostgresError when PostgreSQL cannot be had, or `signal` is aborted (with its reason)
 */
export async function attach(
  request: GuardRequest,
  note: (message: string) => void,
  signal: AbortSignal,
): Promise<Attachment> {
  let spawned: SpawnedGuard | undefined
  for (;;) {
    signal.throwIfAborted()
    const answer = await greet(request.dataDir, note, signal)
    if (typeof answer === 'object') return answer
    spawned?.throwIfCrashed()
    if (answer === 'absent' && (!spawned || spawned.ended())) spawned = spawnGuard(request)
    await sleep(RETRY_MS)
  }
}

/**
 * Makes one attempt: gives `absent` when no guard listens, and `gone` when the guard that did has ended without a
 * server for us, because it was about to stop or was killed.
 */
async function greet(
  dataDir: string,
  note: (message: string) => void,
  signal: AbortSignal,
): Promise<Attachment | 'absent' | 'gone'> {
  const nonce = randomBytes(16).toString('base64url')
  const link: GuardLink = new Link(connect(guardAddress(dataDir)))
  link.send({ type: 'hello', nonce })
  const abort = () => link.socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  try {
    const answer = await firstAnswer(link, note)
    signal.throwIfAborted()
    if (typeof answer === 'string') return answer
    if (answer.type === 'failed') throw new EmbeddedPostgresError(answer.message)
    const credentials = await readCredentials(dataDir)
    if (!credentials || answer.proof !== proofOf(credentials.guardKey, nonce, answer.port)) {
      throw new EmbeddedPostgresError(`what answers as the guard of ${dataDir} does not know its credentials`)
    }
    return { link, port: answer.port, directory: answer.directory, credentials }
  } catch (error) {
    link.socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** What a guard's end looks like to whom it had not accepted yet, or had too many waiting before. */
const GUARD_ENDED = new Set(['ECONNRESET', 'EPIPE', 'EAGAIN'])

type FirstAnswer = Extract<GuardMessage, { type: 'ready' | 'failed' }> | 'absent' | 'gone'

function firstAnswer(link: GuardLink, note: (message: string) => void): Promise<FirstAnswer> {
  return new Promise((resolve, reject) => {
    link.socket.once('error', (error) => {
      const code = codeOf(error) ?? ''
      if (code === 'ECONNREFUSED') resolve('absent')
      else if (GUARD_ENDED.has(code)) resolve('gone')
      else reject(new EmbeddedPostgresError(`cannot talk to the guard of PostgreSQL: ${error.message}`))
    })
    link.once('close', () => resolve('gone'))
    const listen = (message: GuardMessage) => {
      if (message.type === 'note') note(message.message)
      if (message.type !== 'ready' && message.type !== 'failed') return
      link.off('message', listen)
      resolve(message)
    }
    link.on('message', listen)
  })
}
