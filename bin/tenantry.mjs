#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from '../scripts/bootstrap.mjs'

// A clone runs its TypeScript directly; the published package carries the build, since Node.js strips no types there.
const entry = existsSync(join(root, 'src')) ? 'src/main/tenantry.ts' : 'dist/main/tenantry.js'
await run(entry, process.argv.slice(2))
