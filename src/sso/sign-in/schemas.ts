import { Type } from 'typebox'
import { Exactly, Id } from '../../http/index.ts'

const Email = Type.String({ minLength: 3, maxLength: 254, description: 'An e-mail address.' })
const ReturnUrl = Type.String({
  maxLength: 2048,
  description:
    'Where the browser goes in the end: one of those that the operator allows. Absent: the first of them.',
})
const Anew = Type.Boolean({
  description: 'Whether the provider shall ask anew, although somebody is signed in there.',
})

export const StartBody = Exactly({
  email: Type.Optional(Email),
  return_url: Type.Optional(ReturnUrl),
  reauthenticate: Type.Optional(Anew),
})

export const LinkBody = Exactly({ return_url: Type.Optional(ReturnUrl) })

export const Started = Exactly(
  {
    authorization_url: Type.String({ description: 'Where to send the browser.' }),
    attempt: Type.String({
      description: 'A secret of the client that began: it ends the sign-in, together with the code.',
    }),
    expires_in: Type.Integer({ description: 'Seconds that the sign-in may take.' }),
  },
  { $id: 'SsoAttempt' },
)

export const EndBody = Exactly({
  attempt: Type.String({ minLength: 1, maxLength: 512 }),
  code: Type.String({ minLength: 1, maxLength: 512, description: 'What the browser brought back.' }),
})

const Parameter = Type.Optional(Type.String({ maxLength: 4096 }))

/** The organization's own address: see `redirectUriOf`. */
export const CallbackParams = Exactly({ tenant_id: Id })

/** What providers send back. They add parameters of their own, which mean nothing here. */
export const CallbackQuery = Type.Object(
  { state: Parameter, code: Parameter, iss: Parameter, error: Parameter },
  { additionalProperties: true },
)

export const CallbackBody = Exactly({
  code: Type.String({ description: 'For the client that began: /api/v1/auth/sso/token.' }),
})
