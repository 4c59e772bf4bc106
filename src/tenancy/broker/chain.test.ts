import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Chain, type Linked } from './chain.ts'

class Member implements Linked<Member> {
  chain: Linked<Member>['chain'] = undefined
  before: Member | undefined = undefined
  after: Member | undefined = undefined
  readonly id: number
  constructor(id: number) {
    this.id = id
  }
}

type Act = (chain: Chain<Member>, model: number[], member: Member) => number[]

/** Each does its step to the chain, and gives what an array is after the same step. */
const acts = {
  push: (chain, model, member) => {
    if (model.includes(member.id)) return model
    chain.push(member)
    return [...model, member.id]
  },
  unshift: (chain, model, member) => {
    if (model.includes(member.id)) return model
    chain.unshift(member)
    return [member.id, ...model]
  },
  shift: (chain, model) => {
    expect(chain.shift()?.id).toBe(model[0])
    return model.slice(1)
  },
  remove: (chain, model, member) => {
    chain.remove(member)
    return model.filter((id) => id !== member.id)
  },
} satisfies Record<string, Act>

const step = fc.record({
  act: fc.constantFrom(...(Object.keys(acts) as (keyof typeof acts)[])),
  id: fc.nat(9),
})

describe('Chain', () => {
  it('does what an array does, whatever the order of steps', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const chain = new Chain<Member>()
        const members = Array.from({ length: 10 }, (_, id) => new Member(id))
        let model: number[] = []
        for (const { act, id } of steps) {
          model = acts[act](chain, model, members[id] as Member)
          expect([...chain].map((one) => one.id)).toEqual(model)
          expect(chain.size).toBe(model.length)
          expect(chain.first?.id).toBe(model[0])
        }
      }),
    )
  })

  it('refuses a member of another chain, and leaves it there', () => {
    const [one, other] = [new Chain<Member>(), new Chain<Member>()]
    const member = new Member(1)
    one.push(member)
    expect(() => other.push(member)).toThrow('in a chain already')
    other.remove(member)
    expect(one.size).toBe(1)
  })

  it('can lose the member that is visited', () => {
    const chain = new Chain<Member>()
    for (let id = 0; id < 4; id++) chain.push(new Member(id))
    const visited: number[] = []
    for (const member of chain) {
      visited.push(member.id)
      if (member.id % 2 === 0) chain.remove(member)
    }
    expect(visited).toEqual([0, 1, 2, 3])
    expect([...chain].map(({ id }) => id)).toEqual([1, 3])
  })
})
