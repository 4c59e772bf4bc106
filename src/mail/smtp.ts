import { randomUUID } from 'node:crypto'
import { createTransport } from 'nodemailer'
import { withDeadline } from '../platform/index.ts'
import type { Letter } from './letter.ts'

/** Takes a letter to its recipient; rejects when it could not. */
export type Deliver = (letter: Letter) => Promise<void>

export interface SmtpOptions {
  /** `smtp://user:password@host:587` or `smtps://…`. */
  readonly url: string
  /** The sender, as `Name <address>` or an address alone. */
  readonly from: string
  /** Milliseconds that one try may take, whatever the server does meanwhile. */
  readonly attemptMs: number
}

/** Gives every letter to an SMTP server, over a connection of its own. */
export function createSmtpDelivery({ url, from, attemptMs }: SmtpOptions): (id: string) => Deliver {
  const transport = createTransport({
    url,
    connectionTimeout: attemptMs,
    greetingTimeout: attemptMs,
    socketTimeout: attemptMs,
    dnsTimeout: attemptMs,
    // A letter is text; nothing in it may make the library read a file or an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost'
  return (id) =>
    async ({ to, subject, text }) => {
      const mail = {
        from,
        to: { name: '', address: to },
        subject,
        text,
        // The same for every try, so that a server that took the first one and said nothing can tell.
        messageId: `<${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      }
      await withDeadline(transport.sendMail(mail), attemptMs, 'the mail server')
    }
}

/** Names one letter among all. */
export function newMessageId(): string {
  return randomUUID()
}

/** Whether a server said that it will never take this letter (RFC 5321 section 4.2.1: 5yz). */
export function isFinal(error: unknown): boolean {
  const code = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : 0
  // 530, 535: it would not even let us in, which an operator can mend.
  return code >= 500 && code !== 530 && code !== 535
}
