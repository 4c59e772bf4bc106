export { EXIT, type ExitCode } from './exit-codes.ts'
export { MODELS } from './models.ts'
export { runCommandLine, type Surroundings } from './program.ts'
