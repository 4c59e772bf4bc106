/** Counts places for connections: so many in all, so many for one database. Holds no connection itself. */
export class ConnectionBudget {
  readonly #max: number
  readonly #maxPerDatabase: number
  readonly #taken = new Map<string, number>()
  #total = 0

  constructor(max: number, maxPerDatabase: number) {
    this.#max = max
    this.#maxPerDatabase = maxPerDatabase
  }

  get total(): number {
    return this.#total
  }

  get isFull(): boolean {
    return this.#total >= this.#max
  }

  /** Whether this database may have one more, were there room. */
  allowsMoreOf(database: string): boolean {
    return (this.#taken.get(database) ?? 0) < this.#maxPerDatabase
  }

  take(database: string): void {
    this.#total++
    this.#taken.set(database, (this.#taken.get(database) ?? 0) + 1)
  }

  free(database: string): void {
    this.#total--
    const left = (this.#taken.get(database) ?? 1) - 1
    if (left === 0) this.#taken.delete(database)
    else this.#taken.set(database, left)
  }
}
