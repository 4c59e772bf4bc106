import { summarizeAccount } from '../../auth/index.ts'
import { listOrganizationsOf } from '../../organizations/index.ts'
import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { fieldList } from '../output.ts'
import { findUser } from './find.ts'

/** What is known of a platform user, but no secret. */
export async function show(
  { output }: CommandContext,
  { core }: Databases,
  email: string,
): Promise<ExitCode> {
  const user = await findUser(core, email)
  const { factors, recoveryCodesLeft, liveSessions } = await summarizeAccount(core, user.id)
  const organizations = (await listOrganizationsOf(core, user.id)).map(({ id, name, role }) => ({
    id,
    name,
    role,
  }))
  const facts = {
    id: user.id,
    email: user.email,
    is_active: user.isActive,
    is_admin: user.isAdmin,
    is_email_verified: user.emailVerifiedAt !== null,
    created_at: user.createdAt.toISOString(),
    live_sessions: liveSessions,
    recovery_codes_left: recoveryCodesLeft,
  }
  output.data(
    { ...facts, second_factors: factors, organizations },
    [
      fieldList({ ...facts, second_factors: factors.join(', ') || 'none' }),
      ...organizations.map(({ id, name, role }) => `organization ${id}: ${role} of ${oneLine(name)}`),
    ].join('\n'),
  )
  return EXIT.done
}

/** Names come from customers. */
function oneLine(name: string): string {
  return name.replaceAll(/\s+/g, ' ')
}
