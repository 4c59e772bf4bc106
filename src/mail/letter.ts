/** One mail, plain text. */
export interface Letter {
  /** Canonical e-mail address. */
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Line breaks end a header; the rest of them has no business there either. */
const CONTROL = /\p{Cc}/u

/**
 * Lets nothing pass that could end a header and begin another one, whoever wrote it.
 *
 * @throws Error for a recipient or a subject with control characters
 */
export function checkLetter({ to, subject }: Letter): void {
  // Without the values: one of them is an address, and the message goes into the log.
  if (CONTROL.test(to) || CONTROL.test(subject)) throw new Error('a mail header holds control characters')
}
