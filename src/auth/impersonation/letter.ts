import type { Mailer } from '../../mail/index.ts'
import type { Id } from '../../platform/index.ts'

const TEXT = `An administrator of the platform signed in to your organization as one of its members, to help or to look into something.

Who it was, as whom, why, and until when is listed in your organization under "impersonations", where you can also end it.
You can forbid it for the future in the settings of your organization.
`

/** Tells owners of an organization that somebody of the platform acts there; no word of it was chosen by a user. */
export function tellOwners(mailer: Mailer, tenantId: Id, addresses: readonly string[]): void {
  if (!mailer.isOn) return
  for (const to of addresses) {
    mailer.post('impersonation', `${tenantId} ${to}`, async (mayReach) =>
      (await mayReach(to))
        ? { to, subject: 'The platform signed in to your organization', text: TEXT }
        : undefined,
    )
  }
}
