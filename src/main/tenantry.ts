import { shortenImports } from './short-imports.ts'

// Before anything large is imported, so the program itself comes second.
shortenImports()
await import('./command.ts')
