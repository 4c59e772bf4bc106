/** What a member of a chain carries; only the chain writes it. */
export interface Linked<Member> {
  chain: { remove(member: Member): void } | undefined
  before: Member | undefined
  after: Member | undefined
}

/**
 * A line whose members hold the links themselves: joining, leaving from the middle and taking the first cost the same
 * however long it is, and allocate nothing. A member is in one chain at a time.
 */
export class Chain<Member extends Linked<Member>> {
  #first: Member | undefined
  #last: Member | undefined
  #size = 0

  get first(): Member | undefined {
    return this.#first
  }

  get size(): number {
    return this.#size
  }

  push(member: Member): void {
    this.#enter(member)
    member.before = this.#last
    if (this.#last) this.#last.after = member
    else this.#first = member
    this.#last = member
  }

  /** Puts a member before all others. */
  unshift(member: Member): void {
    this.#enter(member)
    member.after = this.#first
    if (this.#first) this.#first.before = member
    else this.#last = member
    this.#first = member
  }

  /** Takes the first out; `undefined` when there is none. */
  shift(): Member | undefined {
    const member = this.#first
    if (member) this.remove(member)
    return member
  }

  /** Takes a member out; nothing happens when it is not in this chain. */
  remove(member: Member): void {
    if (member.chain !== this) return
    if (member.before) member.before.after = member.after
    else this.#first = member.after
    if (member.after) member.after.before = member.before
    else this.#last = member.before
    member.chain = member.before = member.after = undefined
    this.#size--
  }

  /** Visits all from the first on; the one that was given last may be taken out meanwhile. */
  *[Symbol.iterator](): Generator<Member> {
    for (let member = this.#first; member; ) {
      const next: Member | undefined = member.after
      yield member
      member = next
    }
  }

  #enter(member: Member): void {
    if (member.chain) throw new Error('in a chain already')
    member.chain = this
    this.#size++
  }
}
