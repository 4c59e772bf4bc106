// Reads a plan (JSON) from standard input, plays it, and writes what came of it (JSON) to standard output. A process of
// its own, so that the clients share no event loop with what they measure.
import { json } from 'node:stream/consumers'
import type { Plan } from './plan.ts'
import { play } from './stream.ts'

const plan = (await json(process.stdin)) as Plan
console.log(JSON.stringify(await play(plan)))
process.exit(0)
