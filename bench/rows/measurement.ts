import type { Effort } from '../support/effort.ts'
import type { Row } from '../support/row.ts'
import type { World } from '../support/world.ts'

/** Measures one subject in a world of its own, and says what was seen. */
export type Measurement = (world: World, effort: Effort) => Promise<Row[]>
