import { httpErrors } from '../../http/index.ts'
import type { Letter, Mailer } from '../../mail/index.ts'
import type { Id } from '../../platform/index.ts'
import { authErrors } from '../errors.ts'
import { putToken } from '../one-time/store.ts'
import type { Purpose } from '../one-time/tables.ts'
import { hashOneTimeToken, newOneTimeToken } from '../one-time/token.ts'
import type { Realm } from '../sessions/realm.ts'

/** What a letter says; to whom it goes is decided apart. */
type Message = Omit<Letter, 'to'>

/** The page of the product that a link opens, and how many seconds the link works. */
const LINKS: Readonly<Record<Purpose, { readonly page: string; readonly lifeSeconds: number }>> = {
  'password-reset': { page: 'reset-password', lifeSeconds: 30 * 60 },
  'email-verification': { page: 'verify-email', lifeSeconds: 24 * 60 * 60 },
  'email-change': { page: 'confirm-email', lifeSeconds: 24 * 60 * 60 },
}

/** Looks up to whom and what is to be written; `undefined` when nothing is. */
export type Compose = () => Promise<Draft | undefined>

export interface Draft {
  /** Canonical. */
  readonly to: string
  /** Made only when the letter may be sent, because a new link makes the one before worthless. */
  readonly message: () => Message | Promise<Message>
}

/** The letters that accounts are sent, all of them behind the answer. */
export interface Letters {
  /**
   * Has a letter written that the request is about.
   *
   * @param whom letters for the same one are written one after another
   * @throws authErrors.mailOff, httpErrors.overloaded; never anything that depends on the account
   */
  request(kind: string, whom: string, compose: Compose): void
  /** Like `request`, for a letter that nobody asked for: where it cannot be sent, it is not. Never throws. */
  offer(kind: string, whom: string, compose: Compose): void
  /** Sends a letter beside something that is done already; never throws. */
  notify(kind: string, to: string, message: Message): void
  /** A letter with a link in it, which takes the place of the one before. */
  withLink(realm: Realm, userId: Id, purpose: Purpose, to: string, write: (link: string) => Message): Draft
  /** @throws authErrors.mailOff */
  requireMail(): void
}

export function createLetters(mailer: Mailer): Letters {
  const post = (kind: string, whom: string, compose: Compose): boolean =>
    mailer.post(kind, whom, async (mayReach) => {
      const draft = await compose()
      if (!draft || !(await mayReach(draft.to))) return undefined
      return { to: draft.to, ...(await draft.message()) }
    })
  const requireMail = () => {
    if (!mailer.isOn) throw authErrors.mailOff()
  }
  const offer: Letters['offer'] = (kind, whom, compose) => {
    if (mailer.isOn) post(kind, whom, compose)
  }

  return {
    requireMail,
    request: (kind, whom, compose) => {
      requireMail()
      if (!post(kind, whom, compose)) throw httpErrors.overloaded()
    },
    offer,
    notify: (kind, to, message) => offer(kind, to, async () => ({ to, message: () => message })),
    withLink: (realm, userId, purpose, to, write) => ({
      to,
      message: async () => {
        const token = newOneTimeToken()
        const { page, lifeSeconds } = LINKS[purpose]
        await putToken(realm.db, { userId, purpose, hash: hashOneTimeToken(token), email: to, lifeSeconds })
        return write(
          mailer.link(page, { token, ...(realm.scope === 'tenant' && { tenant: realm.db.tenantId }) }),
        )
      },
    }),
  }
}
