/** How a tenant's schema differs from what its migrations make: somebody changed it by hand. */
export interface SchemaDrift {
  /** `table notes: column colour only here`; the first ones. */
  readonly differences: readonly string[]
  /** How many more there are. */
  readonly more: number
}
