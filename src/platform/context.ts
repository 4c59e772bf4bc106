import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * What log lines, metrics and events may say about the work that is running. It is never how a query finds its
 * database: that is a `TenantDb` that somebody was handed.
 */
export interface WorkContext {
  request_id?: string
  tenant_id?: string
  user_id?: string
}

const storage = new AsyncLocalStorage<WorkContext>()

/** Runs `work`, and everything that it starts, under a context of its own. */
export function runInContext<T>(context: WorkContext, work: () => T): T {
  return storage.run(context, work)
}

/** The running work's context, or an empty one outside of any. */
export function currentContext(): Readonly<WorkContext> {
  return storage.getStore() ?? {}
}

/** Adds to the running work's context what became known of it later, such as the tenant that a guard admitted. */
export function describeWork(known: WorkContext): void {
  const context = storage.getStore()
  if (context) Object.assign(context, known)
}
