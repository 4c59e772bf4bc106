import { type Id, isId } from '../../platform/index.ts'
import { findTenantDetails } from '../../tenancy/index.ts'
import { UsageError } from '../context.ts'
import type { Databases } from '../databases.ts'

/**
 * A tenant that was named on the command line, spares included.
 *
 * @throws UsageError when it is no id, or nobody's
 */
export async function findNamed({ core }: Pick<Databases, 'core'>, id: string) {
  const tenant = await findTenantDetails(core, readId(id))
  if (!tenant) throw new UsageError(`There is no tenant ${id}.`)
  return tenant
}

/** @throws UsageError */
export function readId(text: string): Id {
  if (isId(text)) return text
  throw new UsageError('A tenant is named by its organization’s id: a UUID in lower case.')
}
