import type { Options } from './options.ts'

/** How much a row measures: what is good for figures, or what is good for seeing that it works. */
export interface Effort {
  /** How often a pair is measured: as the command line says, else once for a trial, else `usual`. */
  rounds(usual: number): number
  /** Tenants of a fleet: as the command line says, else as `pick` says. */
  tenants(full: number, trial: number): number
  /** `full`, or `trial` for a short trial. */
  pick(full: number, trial: number): number
}

export function createEffort({ rounds, tenants, quick }: Pick<Options, 'quick'> & Partial<Options>): Effort {
  const pick: Effort['pick'] = (full, trial) => (quick ? trial : full)
  return {
    rounds: (usual) => rounds ?? (quick ? 1 : usual),
    tenants: (full, trial) => tenants ?? pick(full, trial),
    pick,
  }
}
