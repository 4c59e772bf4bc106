import type { CoreTx } from '../tenancy/index.ts'
import type { Run } from './runs/store.ts'

/** Keeps a record of runs, in the transactions in which they begin and end. */
export interface RunRecorder {
  /** Also of a run that goes on after a pause. */
  started(tx: CoreTx, run: Pick<Run, 'id' | 'kind'>): Promise<void>
  /** Not of one whose process died: that ends nothing. */
  ended(tx: CoreTx, run: Pick<Run, 'id' | 'status'>): Promise<void>
}
