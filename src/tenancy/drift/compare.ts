import type { Id } from '../../platform/index.ts'
import type { CoreDb } from '../types.ts'
import { driftOf, type Look } from './look.ts'
import type { References } from './references.ts'
import { recordLook } from './store.ts'
import type { SchemaDrift } from './types.ts'

/** What came of a comparison: a drift, none (`null`), or why there was nothing to compare with. */
export type Comparison = { readonly drift: SchemaDrift | null } | { readonly why: string }

export interface CompareOptions {
  readonly core: CoreDb
  readonly references: References
}

/** Compares what was seen in a tenant's database with what it should look like, and records that. */
export async function compareLook(
  { core, references }: CompareOptions,
  { id, serverId }: { readonly id: Id; readonly serverId: Id },
  { schema, comparable }: Look,
): Promise<Comparison> {
  if ('why' in comparable) {
    await recordLook(core, id, schema, undefined)
    return comparable
  }
  const drift = (await driftOf(references, serverId, comparable)) ?? null
  await recordLook(core, id, schema, drift)
  return { drift }
}
