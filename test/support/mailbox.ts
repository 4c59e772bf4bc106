import { expect, vi } from 'vitest'
import type { TestPlatform } from './platform.ts'

/** A mail as a person reads it. */
export interface ReadMail {
  readonly kind: string
  readonly to: string
  readonly subject: string
  readonly text: string
  /** The link in it, if there is one. */
  readonly link: URL | undefined
  /** What the link carries; empty without one. */
  readonly token: string
}

/** Every mail that an address was sent and that is still kept, newest first, once all that was asked for is written. */
export async function mailsTo({ platform }: TestPlatform, address: string): Promise<ReadMail[]> {
  // A verification mail is asked for by an event, any other by its request.
  await platform.events.settle()
  await platform.mailer.settle()
  const kept = platform.mailer.outbox?.list() ?? []
  return kept
    .filter(({ to }) => to === address)
    .map(({ kind, to, subject, text }) => {
      const found = /https?:\/\/\S+/.exec(text)?.[0]
      const link = found === undefined ? undefined : new URL(found)
      const token = new URLSearchParams(link?.hash.slice(1)).get('token') ?? ''
      return { kind, to, subject, text, link, token }
    })
}

/** The token of the newest mail of a kind. */
export async function tokenFor(test: TestPlatform, address: string, kind: string): Promise<string> {
  const mail = (await mailsTo(test, address)).find((one) => one.kind === kind)
  expect(mail?.token, `a ${kind} mail`).toMatch(/^tro_[\w-]{43}$/)
  return mail?.token ?? ''
}

/** Looks again until `isTrue`. */
export async function until(isTrue: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(isTrue()).toBe(true), { timeout: 10_000, interval: 10 })
}
