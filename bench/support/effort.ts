/** How much a row measures: what is good for figures, or what is good for seeing that it works. */
export interface Effort {
  /** How often a pair is measured: as the command line says, else once for a trial, else `usual`. */
  rounds(usual: number): number
  /** `full`, or `trial` for a short trial. */
  pick(full: number, trial: number): number
}

export function createEffort({ rounds, quick }: { rounds: number | undefined; quick: boolean }): Effort {
  return {
    rounds: (usual) => rounds ?? (quick ? 1 : usual),
    pick: (full, trial) => (quick ? trial : full),
  }
}
