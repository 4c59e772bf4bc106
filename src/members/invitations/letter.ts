import type { Letter } from '../../mail/index.ts'

/** What the invited one reads; no word of it was chosen by a user. */
export function invitationMessage(link: string, hours: number): Omit<Letter, 'to'> {
  const text = `You are invited to join an organization. Accept the invitation here:

${link}

The link works once, for ${hours} hours. If you do not know what this is about, you need not do anything.
`
  return { subject: 'You are invited', text }
}
