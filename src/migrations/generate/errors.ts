/** Something is gone and something is new in the same place: a rename, or a drop and an addition? */
export interface RenameCandidate {
  readonly kind: 'table' | 'column'
  /** Where the columns are; absent for tables. */
  readonly table?: string
  readonly gone: readonly string[]
  readonly added: readonly string[]
  /** Every flag that would decide something of it. */
  readonly flags: readonly string[]
}

/** Renames must be decided by flags, because nobody is asked. Nothing was written. */
export class RenameDecisionNeeded extends Error {
  override readonly name = 'RenameDecisionNeeded'
  readonly candidates: readonly RenameCandidate[]

  constructor(candidates: readonly RenameCandidate[]) {
    const lines = candidates.map(({ kind, table, gone, added, flags }) => {
      const where = table === undefined ? `${kind}s` : `${kind}s of ${table}`
      const choices = flags.map((flag) => `    ${flag}`).join('\n')
      return `  ${where}: ${gone.join(', ')} gone, ${added.join(', ')} new\n${choices}`
    })
    super(`renamed, or dropped and added? Say which, with the flags that are true:\n${lines.join('\n')}`)
    this.candidates = candidates
  }
}

/** A rename, drop or name that was given does not fit the models. Nothing was written. */
export class GenerateOptionError extends Error {
  override readonly name = 'GenerateOptionError'
}
