import { Guard } from './guard.ts'
import type { GuardRequest } from './protocol.ts'

/** Where the guard's process begins; its only argument is a GuardRequest as JSON. */
const guard = new Guard(JSON.parse(process.argv[2] ?? '') as GuardRequest)

// The application drains before PostgreSQL may go, so what a terminal sends to everybody is not for us.
process.on('SIGINT', () => undefined)
process.on('SIGHUP', () => undefined)
process.on(
  'SIGTERM',
  () => void guard.stop('PostgreSQL was stopped, because its guard was told to end (SIGTERM)'),
)

// Directories that must be passed through by another user are made here; secrets get their mode one by one.
process.umask(0o022)
await guard.run()
process.exit(0)
