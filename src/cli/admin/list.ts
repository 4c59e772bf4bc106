import { summarizeAccount } from '../../auth/index.ts'
import { listAdmins } from '../../users/index.ts'
import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { table } from '../output.ts'

const HEADINGS = ['ID', 'E-MAIL', 'ACTIVE', 'SECOND FACTORS', 'LIVE SESSIONS']

/** Everybody who operates the platform, disabled accounts too. */
export async function listAll({ output }: CommandContext, { core }: Databases): Promise<ExitCode> {
  const admins = await Promise.all(
    (await listAdmins(core)).map(async ({ id, email, isActive }) => {
      const { factors, liveSessions } = await summarizeAccount(core, id)
      return { id, email, is_active: isActive, second_factors: factors, live_sessions: liveSessions }
    }),
  )
  output.data(
    admins,
    table(
      HEADINGS,
      admins.map((admin) => [
        admin.id,
        admin.email,
        admin.is_active ? 'yes' : 'no',
        admin.second_factors.join(',') || 'none',
        String(admin.live_sessions),
      ]),
    ),
  )
  return EXIT.done
}
