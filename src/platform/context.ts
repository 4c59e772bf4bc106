import { AsyncLocalStorage } from 'node:async_hooks'

const ABANDONMENT = Symbol('abandonment')
const CLIENT_ADDRESS = Symbol('client address')

/** Tells work that nobody waits for its result any more, such as a client that hung up. */
export class Abandonment {
  readonly #listeners = new Set<() => void>()
  #isAbandoned = false

  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  /** Calls `listener` once, when the work is abandoned. Gives what takes it back. */
  on(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  abandon(): void {
    this.#isAbandoned = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}

/**
 * What log lines, metrics and events may say about the work that is running. It is never how a query finds its
 * database: that is a `TenantDb` that somebody was handed.
 */
export interface WorkContext {
  /** Where the work is for somebody who may go away. A symbol, so that it is no part of what is logged. */
  [ABANDONMENT]?: Abandonment
  /** Whose wish the work is comes from there. A symbol too: log lines have their own idea of it. */
  [CLIENT_ADDRESS]?: string
  request_id?: string
  tenant_id?: string
  user_id?: string
  /** With the user in whose name the key acts. */
  api_key_id?: string
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

/** How the running work hears that nobody waits for it; `undefined` where nobody can go away. */
export function currentAbandonment(): Abandonment | undefined {
  return storage.getStore()?.[ABANDONMENT]
}

/** A context for work of somebody who may go away. */
export function abandonable<Context extends WorkContext>(
  context: Context,
  abandonment: Abandonment,
): Context {
  return { ...context, [ABANDONMENT]: abandonment }
}

/** A context for work that a client asked for. */
export function fromAddress<Context extends WorkContext>(context: Context, address: string): Context {
  return { ...context, [CLIENT_ADDRESS]: address }
}

/** The IP address of who asked for the running work; `undefined` where no client did. */
export function currentClientAddress(): string | undefined {
  return storage.getStore()?.[CLIENT_ADDRESS]
}

/** Runs `work` in the same context, but as work that goes on when nobody waits for it any more. */
export function runDetached<T>(work: () => T): T {
  const { [ABANDONMENT]: _, ...context } = storage.getStore() ?? {}
  return storage.run(context, work)
}

/** Adds to the running work's context what became known of it later, such as the tenant that a guard admitted. */
export function describeWork(known: WorkContext): void {
  const context = storage.getStore()
  if (context) Object.assign(context, known)
}
