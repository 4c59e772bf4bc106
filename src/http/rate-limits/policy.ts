/** How many requests one client may make in which time. Routes with the same policy count together. */
export interface RatePolicy {
  /** Shown to clients; unique among policies. */
  readonly name: string
  readonly limit: number
  readonly windowSeconds: number
}

/**
 * The policies that the shell knows, per client network. They are those of production; elsewhere the limits are ten
 * times wider. Features make others in the same form.
 */
export const RATE = Object.freeze({
  /** Every route that says nothing else. Wide, because many people share one address. */
  standard: { name: 'standard', limit: 600, windowSeconds: 60 },
  register: { name: 'register', limit: 5, windowSeconds: 60 },
  /** What sends mail; each recipient has a limit besides. */
  mail: { name: 'mail', limit: 10, windowSeconds: 60 },
  login: { name: 'login', limit: 20, windowSeconds: 60 },
}) satisfies Readonly<Record<string, RatePolicy>>
