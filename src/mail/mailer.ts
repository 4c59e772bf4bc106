import { type Clock, type Logger, runDetached, WorkQueue, withDeadline } from '../platform/index.ts'
import type { CoreDb } from '../tenancy/index.ts'
import { Delivery } from './delivery.ts'
import { checkLetter, type Letter } from './letter.ts'
import { Outbox } from './outbox.ts'
import { createMailQuota } from './quota.ts'
import { createSmtpDelivery, newMessageId } from './smtp.ts'

/** Writes a letter, once it is known that its recipient may get one more of its kind; `undefined` when there is none to write. */
export type Write = (mayReach: (address: string) => Promise<boolean>) => Promise<Letter | undefined>

/** Sends mail behind the answer: neither its time nor what it says depends on what becomes of a letter. */
export interface Mailer {
  /** `false` where there is no mail server and no outbox: nothing is ever sent. */
  readonly isOn: boolean
  /** What was not sent but kept; `undefined` where mail is really sent, or is off. */
  readonly outbox: Outbox | undefined
  /** An address of the product that people open, with fields that reach no server's log. */
  link(page: string, fields: Readonly<Record<string, string>>): string
  /**
   * Has a letter written and sent behind the answer.
   *
   * @param kind what it is for, such as `password-reset`; it names the limit that the letter counts against
   * @param whom letters of one kind for the same one are written one after another, so that the last one has the newest link
   * @returns `false` when nothing more can be taken
   */
  post(kind: string, whom: string, write: Write): boolean
  /** Waits for what is written, and for what waits to be written. */
  settle(): Promise<void>
  /** Delivers what is left, for a few seconds. */
  close(): Promise<void>
}

export interface MailerOptions {
  readonly core: CoreDb
  readonly clock: Clock
  readonly log: Logger
  readonly mail: MailSettings
  /** Multiplies the limits of recipients; infinite means that there are none. */
  readonly limitFactor: number
  readonly timing?: Partial<typeof TIMING> | undefined
}

/** What the environment says about mail. */
export interface MailSettings {
  readonly smtpUrl: string | undefined
  readonly from: string
  /** Without a slash at its end. */
  readonly publicUrl: string
  /** Keeps letters to be read where there is no mail server. */
  readonly outbox: boolean
  /** Logs the text of what is kept, links included: for a developer's terminal alone. */
  readonly logsText: boolean
}

const TIMING = { attemptMs: 10_000, pausesMs: [1_000, 10_000, 60_000] as readonly number[], closeMs: 3_000 }

/** Letters that are written at once, each with a few queries; and how many may wait for it. */
const WRITING = { running: 4, waiting: 500, maxWaitMs: 60_000 }

/** Mail by SMTP, into an outbox, or not at all, as `mail` says. */
export function createMailer({ core, clock, log, mail, limitFactor, timing }: MailerOptions): Mailer {
  const { attemptMs, pausesMs, closeMs } = { ...TIMING, ...timing }
  const { smtpUrl, from, publicUrl } = mail
  const outbox = smtpUrl === undefined && mail.outbox ? new Outbox(clock) : undefined
  const byServer = smtpUrl === undefined ? undefined : createSmtpDelivery({ url: smtpUrl, from, attemptMs })
  const delivery = new Delivery({ log, pausesMs, deliver: () => byServer?.(newMessageId()) ?? nowhere })
  const quota = createMailQuota(core, limitFactor)
  const queue = new WorkQueue(WRITING)
  const written = new Set<Promise<void>>()
  /** The last job for each kind and recipient, while it runs. */
  const lanes = new Map<string, Promise<void>>()

  const hand = (kind: string, letter: Letter) => {
    checkLetter(letter)
    if (!outbox) return delivery.take(kind, letter)
    outbox.keep(kind, letter)
    if (mail.logsText) log.info({ kind, to: letter.to }, `mail kept in the outbox: ${letter.text}`)
  }

  const settle = async () => {
    while (written.size > 0) await Promise.all(written)
  }

  return {
    isOn: outbox !== undefined || byServer !== undefined,
    outbox,
    link: (page, fields) => `${publicUrl}/${page}#${new URLSearchParams(fields)}`,
    post: (kind, whom, write) => {
      if (written.size >= WRITING.waiting) return false
      const work = async () => {
        const letter = await write((address) => quota(kind, address))
        if (letter) hand(kind, letter)
      }
      const lane = `${kind} ${whom}`
      const job = runDetached(async () => {
        await lanes.get(lane)
        await queue.run(work)
      })
        .catch((error: unknown) => log.error({ err: error, kind }, 'a mail could not be written'))
        .finally(() => {
          written.delete(job)
          if (lanes.get(lane) === job) lanes.delete(lane)
        })
      written.add(job)
      lanes.set(lane, job)
      return true
    },
    settle,
    close: async () => {
      const all = settle().then(() => delivery.finish())
      await withDeadline(all, closeMs, 'mail').catch(() =>
        log.error({ mails: delivery.size + written.size }, 'mails were not delivered before the end'),
      )
    },
  }
}

async function nowhere(): Promise<void> {}
