import type { RunStatus, RunSummary } from './runs/store.ts'

/** The status of a run as people see it: `interrupted` where its process died, so that it can be resumed. */
export function runStatus({
  run,
  isCarriedOut,
}: Pick<RunSummary, 'run' | 'isCarriedOut'>): RunStatus | 'interrupted' {
  return run.status === 'running' && !isCarriedOut ? 'interrupted' : run.status
}
