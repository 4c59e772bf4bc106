import { findOrganization } from '../../organizations/index.ts'
import { databaseFault, type Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'

interface Person {
  readonly email: string
  readonly fullName: string | null
}

/**
 * What an attacker would try first for an account: what its owner is called and, in an organization, what that is called.
 * The latter is left out while the core database is away, which is to keep nobody out.
 */
export async function guessesFor(
  core: CoreDb,
  tenantId: Id | undefined,
  { email, fullName }: Person,
): Promise<readonly string[]> {
  return [email, fullName ?? '', ...(tenantId === undefined ? [] : await namesOf(core, tenantId))]
}

async function namesOf(core: CoreDb, tenantId: Id): Promise<readonly string[]> {
  try {
    const organization = await findOrganization(core, tenantId)
    if (!organization) return []
    const { name, slug } = organization
    return [name, name.replaceAll(/\s/g, ''), slug]
  } catch (error) {
    if (databaseFault(error) !== 'unavailable') throw error
    return []
  }
}
