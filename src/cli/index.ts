export { EXIT, type ExitCode } from './exit-codes.ts'
export { MODELS } from './models.ts'
export { runCommandLine, type ServerParts, type Surroundings } from './program.ts'
