import type { Letter } from '../../mail/index.ts'

/** What a letter says; no word of it was chosen by a user. */
type Message = Omit<Letter, 'to'>

const IGNORE = 'If you did not ask for this, you need not do anything.'
const NOT_YOU =
  'If this was not you, ask for a new password at once, and tell the people who run this service.'

export function passwordResetMessage(link: string): Message {
  const text = `Somebody asked for a new password for the account with this e-mail address. Choose one here:

${link}

The link works once, for 30 minutes. ${IGNORE}
`
  return { subject: 'Choose a new password', text }
}

/** In an organization, to a user who has no password there. */
export function linkedPasswordMessage(): Message {
  const text = `Somebody asked for a new password for your account in an organization. That account has none of its own: you sign in with
the password of your platform account. Ask for a new one there, outside of the organization.

${IGNORE}
`
  return { subject: 'You sign in with your platform password', text }
}

/** In an organization, to a user who signs in through its identity provider. */
export function ssoPasswordMessage(): Message {
  const text = `Somebody asked for a new password for your account in an organization. You sign in there through the organization's own
identity provider, and without a password.

${IGNORE}
`
  return { subject: 'You sign in through your organization', text }
}

export function verificationMessage(link: string): Message {
  const text = `Please confirm that this e-mail address is yours:

${link}

The link works once, for 24 hours. ${IGNORE}
`
  return { subject: 'Confirm your e-mail address', text }
}

/** To the new address. */
export function emailChangeMessage(link: string): Message {
  const text = `Somebody wants to sign in with this e-mail address from now on. If that was you, confirm it here:

${link}

The link works once, for 24 hours. ${IGNORE}
`
  return { subject: 'Confirm your new e-mail address', text }
}

/** To the new address, where an account has it already. */
export function emailTakenMessage(): Message {
  const text = `Somebody wants to use this e-mail address for another account, but yours has it already. Nothing was changed.

${IGNORE}
`
  return { subject: 'This e-mail address is in use', text }
}

/** To the old address, before anything is changed. */
export function emailChangeNotice(): Message {
  const text = `Somebody asked to change the e-mail address of your account. Nothing is changed until the new address is confirmed.

${NOT_YOU}
`
  return { subject: 'Your e-mail address is about to change', text }
}

/** To the old address, afterwards. */
export function emailChangedNotice(): Message {
  const text = `The e-mail address of your account was changed. This one does not belong to it any more.

${NOT_YOU}
`
  return { subject: 'Your e-mail address was changed', text }
}

/** To somebody a refresh token of whom came again; also to those who sign in without a password of their own. */
export function reuseNotice(): Message {
  const text = `What keeps one of your devices signed in was used a second time, as happens where somebody else has a copy of it. That session
was ended; your others go on. Sign in again where you were signed out.

If you cannot explain it, look through the list of your sessions, end those that are not yours, choose a new password where you
sign in with one, and tell the people who run this service.
`
  return { subject: 'You were signed out for your safety', text }
}

export function passwordChangedNotice(): Message {
  const text = `The password of your account was changed, and everybody else who was signed in with it was signed out.

${NOT_YOU}
`
  return { subject: 'Your password was changed', text }
}
