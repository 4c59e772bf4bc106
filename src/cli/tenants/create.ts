import { Value } from 'typebox/value'
import type { Platform } from '../../compose.ts'
import { isCleanText } from '../../http/index.ts'
import { NewOrganizationBody, presentOrganization, slugProblem } from '../../organizations/index.ts'
import { canonicalEmail, findCoreUserByEmail } from '../../users/index.ts'
import { type CommandContext, UsageError } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

export interface NewTenantOptions {
  readonly name: string
  readonly owner: string
  readonly slug?: string
}

/** Makes an organization as its owner would with a request, and waits until its database is ready. */
export async function createTenant(
  { output }: CommandContext,
  { core, organizations, tenancy }: Platform,
  { name, owner: email, slug }: NewTenantOptions,
): Promise<ExitCode> {
  refuseOdd(name, slug)
  const canonical = canonicalEmail(email)
  const owner = canonical === undefined ? undefined : await findCoreUserByEmail(core, canonical)
  if (!owner?.isActive)
    throw new UsageError(`There is no active platform user ${email}. Somebody has to register first.`)
  const { organization: begun } = await organizations.create(owner, { name, slug })
  // Slower than a request may be: this process is at it, or another one is, and is waited for.
  if (begun.status === 'provisioning') await tenancy.provisioner.resume(begun.id, 'owner')
  const organization = await organizations.findMine(owner, begun.id)
  output.data(
    presentOrganization(organization),
    `${organization.id} ${organization.slug}: ${organization.status}, owned by ${owner.email}`,
  )
  if (organization.status === 'active') return EXIT.done
  output.note('Another process is still at work on it: tenantry tenants show tells how far it is.')
  return EXIT.failed
}

/** What the request would be refused for. */
function refuseOdd(name: string, slug: string | undefined): void {
  if (!Value.Check(NewOrganizationBody, { name, ...(slug !== undefined && { slug }) }))
    throw new UsageError('A name has 1 to 255 characters and more than spaces, a slug 1 to 63.')
  if (!isCleanText(name)) throw new UsageError('The name holds characters that cannot be shown.')
  const problem = slug === undefined ? undefined : slugProblem(slug)
  if (problem !== undefined) throw new UsageError(`This slug cannot be used: ${problem}.`)
}
