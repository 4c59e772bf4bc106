// node scripts/run.mjs ENTRY [ARG …]: installs what is missing, then runs ENTRY on the pinned Node.js.
import { run } from './bootstrap.mjs'

const [entry, ...args] = process.argv.slice(2)
await run(entry, args)
