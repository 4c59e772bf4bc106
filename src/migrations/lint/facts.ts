import type { Change } from '../changes/change.ts'
import type { ColumnDefinition } from '../changes/column-definition.ts'
import type { ColumnType } from '../changes/column-type.ts'

/** A CHECK that keeps one column from being NULL. */
interface NotNullCheck {
  readonly column: string
  readonly isValid: boolean
}

/** What is known of a schema from the files before a change: as much of it as rules ask for. */
export class Facts {
  /** Tables and indexes that this file has made: nobody uses them yet. */
  readonly #own = new Set<string>()
  /** Constraints that this file has added without looking at the rows, as `table.constraint`. */
  readonly #unchecked = new Set<string>()
  readonly #types = new Map<string, ColumnType>()
  readonly #checks = new Map<string, NotNullCheck>()

  /** The same for the next file, which has made nothing yet. */
  forNextFile(): Facts {
    const facts = new Facts()
    for (const [key, type] of this.#types) facts.#types.set(key, type)
    for (const [key, check] of this.#checks) facts.#checks.set(key, check)
    return facts
  }

  /** The same for the way back of this file, which leaves the original as it is. */
  forWayBack(): Facts {
    const facts = this.forNextFile()
    for (const relation of this.#own) facts.#own.add(relation)
    return facts
  }

  /** Says whether this file has made the table, or the index. */
  isOwn(relation: string): boolean {
    return this.#own.has(relation)
  }

  /** Says whether this file has added the constraint with NOT VALID. */
  isUnchecked(table: string, constraint: string): boolean {
    return this.#unchecked.has(`${table}.${constraint}`)
  }

  /** The type that a column has had so far, where a file says so. */
  typeOf(table: string, column: string): ColumnType | undefined {
    return this.#types.get(`${table}.${column}`)
  }

  /** Says whether a valid CHECK proves that the column is never NULL. */
  isProvenNotNull(table: string, column: string): boolean {
    return [...this.#checks].some(
      ([key, check]) => key.startsWith(`${table}.`) && check.column === column && check.isValid,
    )
  }

  /** Takes up what a change has done. */
  note(change: Change): void {
    switch (change.kind) {
      case 'create-table':
        this.#own.add(change.table)
        for (const column of change.columns) this.#noteColumn(change.table, column)
        break
      case 'add-column':
        this.#noteColumn(change.table, change.column)
        break
      case 'alter-type':
        this.#types.set(`${change.table}.${change.column}`, change.type)
        break
      case 'create-index':
        if (change.name !== undefined && this.isOwn(change.table)) this.#own.add(change.name)
        break
      case 'drop':
        this.#own.delete(change.name)
        this.#forget(change.name)
        break
      case 'drop-column':
        this.#types.delete(`${change.table}.${change.column}`)
        break
      default:
        this.#noteName(change)
    }
  }

  #noteName(change: Change): void {
    if (change.kind === 'rename-table') {
      if (this.#own.delete(change.table)) this.#own.add(change.to)
      else this.#own.delete(change.to)
      this.#move(`${change.table}.`, `${change.to}.`)
    } else if (change.kind === 'rename-column') {
      const type = this.typeOf(change.table, change.column)
      this.#types.delete(`${change.table}.${change.column}`)
      if (type) this.#types.set(`${change.table}.${change.to}`, type)
    } else this.#noteConstraint(change)
  }

  #noteConstraint(change: Change): void {
    if (change.kind === 'add-constraint') {
      if (change.name === undefined) return
      const key = `${change.table}.${change.name}`
      if (!change.checksRows) this.#unchecked.add(key)
      if (change.notNullColumn === undefined) return
      this.#checks.set(key, { column: change.notNullColumn, isValid: change.checksRows })
    } else if (change.kind === 'validate-constraint') {
      const key = `${change.table}.${change.name}`
      const check = this.#checks.get(key)
      if (check) this.#checks.set(key, { ...check, isValid: true })
    } else if (change.kind === 'drop-constraint') {
      this.#checks.delete(`${change.table}.${change.name}`)
    }
  }

  #noteColumn(table: string, { name, type }: ColumnDefinition): void {
    this.#types.set(`${table}.${name}`, type)
  }

  #forget(table: string): void {
    for (const map of [this.#types, this.#checks]) {
      for (const key of map.keys()) if (key.startsWith(`${table}.`)) map.delete(key)
    }
  }

  #move(from: string, to: string): void {
    for (const map of [this.#types, this.#checks] as Map<string, unknown>[]) {
      for (const [key, value] of [...map]) {
        if (!key.startsWith(from)) continue
        map.delete(key)
        map.set(to + key.slice(from.length), value)
      }
    }
  }
}
