/** A tenant was named that does not exist. */
export class UnknownTenantError extends Error {
  override readonly name = 'UnknownTenantError'
}

/** There is no such run, or it is not one with which this can be done. */
export class RunRefusedError extends Error {
  override readonly name = 'RunRefusedError'
}

/** Another process carries out a run: one at a time, so that two never meet in a tenant. */
export class FleetBusyError extends Error {
  override readonly name = 'FleetBusyError'

  constructor({ id, holder }: { id: string; holder: string | null }) {
    super(`Run ${id} is being carried out by ${holder ?? 'another process'}; one run goes on at a time.`)
  }
}

/** The core database cannot say whether a run is still this process's; it can be resumed when that is back. */
export class CoreAwayError extends Error {
  override readonly name = 'CoreAwayError'
}

/** Another process took the run over, because this one gave no sign for too long. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'

  constructor(runId: string) {
    super(`Run ${runId} was taken over by another process; this one has stopped.`)
  }
}
