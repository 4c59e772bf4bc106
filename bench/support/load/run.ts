import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { Plan, PlanResult } from './plan.ts'

/** Plays a plan in a process of its own. */
export async function runLoad(plan: Plan): Promise<PlanResult> {
  const generator = spawn(process.execPath, ['bench/support/load/generator.ts'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  generator.stdin.end(JSON.stringify(plan))
  const output = await text(generator.stdout)
  if (output === '') throw new Error('the load generator gave no result')
  return JSON.parse(output) as PlanResult
}
