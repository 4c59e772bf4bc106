import { type Id, runDetached } from '../../platform/index.ts'
import type { TenantDb } from '../../tenancy/index.ts'
import type { MembershipChange } from './store.ts'

type Copy = (tenant: TenantDb, changes: readonly MembershipChange[]) => Promise<void>

/**
 * Copies for one organization at a time, and what came meanwhile in one go: however many change members at once, they take
 * one connection to the core database and wait for one lock. What is copied was changed before its copy begins. A client
 * that hangs up stops nothing.
 */
export function copyTogether(copy: Copy): Copy {
  const waiting = new Map<Id, { readonly changes: MembershipChange[]; readonly done: Promise<void> }>()
  const running = new Map<Id, Promise<void>>()

  return (tenant, changes) => {
    const id = tenant.tenantId
    const batch = waiting.get(id)
    if (batch) {
      batch.changes.push(...changes)
      return batch.done
    }
    const mine = [...changes]
    const before = running.get(id) ?? Promise.resolve()
    const done = runDetached(async () => {
      await before.catch(() => undefined)
      waiting.delete(id)
      await copy(tenant, mine)
    })
    waiting.set(id, { changes: mine, done })
    running.set(id, done)
    const forget = () => void (running.get(id) === done && running.delete(id))
    done.then(forget, forget)
    return done
  }
}
