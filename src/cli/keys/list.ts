import { type KeyRecord, listSigningKeys } from '../../auth/index.ts'
import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { table } from '../output.ts'

const HEADINGS = ['KID', 'AUDIENCE', 'STATE', 'SIGNS FROM', 'SIGNS UNTIL', 'VERIFIES UNTIL', 'REVOKED']

/** Every key with its state and its times, and no secret. */
export async function listAll({ output }: CommandContext, { core }: Databases): Promise<ExitCode> {
  const keys = (await listSigningKeys(core)).map(present)
  output.data(
    keys,
    table(
      HEADINGS,
      keys.map((key) => [
        key.kid,
        key.audience,
        key.state,
        key.signs_from,
        key.signs_until ?? '-',
        key.verifies_until ?? '-',
        key.revoked_at ?? '-',
      ]),
    ),
  )
  return EXIT.done
}

function present(key: KeyRecord) {
  return {
    kid: key.kid,
    audience: key.audience,
    state: key.state,
    created_at: key.createdAt.toISOString(),
    signs_from: key.signsFrom.toISOString(),
    signs_until: key.signsUntil?.toISOString() ?? null,
    verifies_until: key.verifiesUntil?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  }
}
