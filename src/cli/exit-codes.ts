/** What a command's exit code means; scripts rely on these. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** A check found something, or a decision is missing. */
  notClean: 3,
  /** A run over many tenants ended with failed ones. */
  someFailed: 4,
  lockHeld: 5,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
