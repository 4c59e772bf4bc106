import type { Platform } from '../../compose.ts'
import { type CommandContext, UsageError } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { findNamed } from '../tenants/find.ts'
import { readEmail } from './find.ts'

/** Forgets the failed attempts at an account, on the platform or in the organization that is named. */
export async function unlock(
  { output }: CommandContext,
  { core, tenancy, accounts }: Platform,
  email: string,
  tenantId: string | undefined,
): Promise<ExitCode> {
  const address = readEmail(email)
  const tenant = tenantId === undefined ? undefined : (await findNamed({ core }, tenantId)).id
  const unlocked =
    tenant === undefined
      ? await accounts.unlock(address)
      : await tenancy.withTenant(tenant, (db) => accounts.unlock(address, db))
  if (!unlocked) {
    const where = tenant === undefined ? 'on the platform' : `in organization ${tenant}`
    throw new UsageError(`Nobody ${where} has the address ${address}.`)
  }
  const { userId, forgiven } = unlocked
  output.data(
    { id: userId, email: address, organization_id: tenant ?? null, forgiven },
    `${address}: ${forgiven > 0 ? 'failed attempts are forgotten' : 'there were no failed attempts'}`,
  )
  return EXIT.done
}
