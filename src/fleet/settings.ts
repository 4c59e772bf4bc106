/** How a run goes through its tenants. */
export interface RunSettings {
  /** Tenants that go first, alone; one that fails ends the run. */
  readonly canary: number
  /** The share of the tenants that each wave after it takes, in (0, 1]. */
  readonly wave: number
  /** Most tenants at the same time. */
  readonly concurrency: number
  /** Most of them on one server. */
  readonly perServer: number
  /** With so many failures the run stops: a count, or a share in (0, 1] of its tenants. */
  readonly abortAfter: { readonly count: number } | { readonly share: number }
  /** The whole fleet: tenants that are born while it goes on join it. */
  readonly isWhole: boolean
}

/** A canary costs time and is worth it where there are many. */
const CANARY_FROM = 10

export const DEFAULT_SETTINGS = {
  wave: 0.25,
  concurrency: 4,
  perServer: 4,
  abortAfter: { share: 0.05 },
  isWhole: false,
} as const

/** Fills in what was not asked for. A run over few tenants has no canary. */
export function settingsFor(tenants: number, wished: Partial<RunSettings>): RunSettings {
  return { ...DEFAULT_SETTINGS, canary: tenants > CANARY_FROM ? 1 : 0, ...wished }
}

/** With how many failures a run over so many tenants stops. A share always lets one tenant fail alone. */
export function failuresToStop(tenants: number, { abortAfter }: Pick<RunSettings, 'abortAfter'>): number {
  return 'count' in abortAfter ? abortAfter.count : Math.max(2, Math.ceil(tenants * abortAfter.share))
}

/** The wave of each of so many tenants, in their order; 0 is the canary. */
export function wavesOf(tenants: number, { canary, wave }: Pick<RunSettings, 'canary' | 'wave'>): number[] {
  const size = Math.max(1, Math.ceil(tenants * wave))
  return Array.from({ length: tenants }, (_, position) =>
    position < canary ? 0 : 1 + Math.floor((position - canary) / size),
  )
}
