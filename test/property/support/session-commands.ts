import type fc from 'fast-check'
import { expect } from 'vitest'
import type { Families, FamiliesModel } from './session-families.ts'

type Command = fc.AsyncCommand<FamiliesModel, Families>
const MOST_FAMILIES = 4
const GRACE_SECONDS = 10

abstract class OnFamily implements Command {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }

  check({ families }: Readonly<FamiliesModel>): boolean {
    return families[this.index] !== undefined
  }

  async run(model: FamiliesModel, real: Families): Promise<void> {
    const family = model.families[this.index]
    if (!family) throw new Error('check() let it pass')
    await this.take(family, model, real)
    await real.expectLike(model)
  }

  protected abstract take(
    family: FamiliesModel['families'][number],
    model: FamiliesModel,
    real: Families,
  ): Promise<void>
}

export class SignIn implements Command {
  check = ({ families }: Readonly<FamiliesModel>) => families.length < MOST_FAMILIES

  async run(model: FamiliesModel, real: Families): Promise<void> {
    await real.signIn()
    model.families.push({ isAlive: true, used: 0 })
    await real.expectLike(model)
  }

  toString = () => 'sign in'
}

export class RefreshNewest extends OnFamily {
  override async take(
    family: FamiliesModel['families'][number],
    _: FamiliesModel,
    real: Families,
  ): Promise<void> {
    const { status } = await real.refresh(this.index, 0)
    expect(status).toBe(family.isAlive ? 200 : 401)
    if (family.isAlive) family.used++
  }

  override toString = () => `refresh the newest of ${this.index}`
}

/** A token that was used comes again: within the grace the same successor, later the end of its session. */
export class RefreshOld extends OnFamily {
  readonly #age: number
  readonly #isInGrace: boolean

  constructor(index: number, age: number, isInGrace: boolean) {
    super(index)
    this.#age = age + 1
    this.#isInGrace = isInGrace
  }

  override check(model: Readonly<FamiliesModel>): boolean {
    return (model.families[this.index]?.used ?? 0) >= this.#age
  }

  override async take(
    family: FamiliesModel['families'][number],
    _: FamiliesModel,
    real: Families,
  ): Promise<void> {
    await real.setUsed(this.index, this.#age, this.#isInGrace ? 0 : GRACE_SECONDS + 1)
    const answer = await real.refresh(this.index, this.#age)
    const mayGoOn = family.isAlive && this.#isInGrace
    expect(answer).toEqual({ status: mayGoOn ? 200 : 401, isKnown: mayGoOn })
    family.isAlive = mayGoOn
  }

  override toString = () =>
    `refresh ${this.#age} before the newest of ${this.index}${this.#isInGrace ? '' : ', late'}`
}

export class LogOut extends OnFamily {
  override async take(
    family: FamiliesModel['families'][number],
    _: FamiliesModel,
    real: Families,
  ): Promise<void> {
    expect(await real.call(this.index, 'POST', 'logout')).toBe(family.isAlive ? 204 : 401)
    family.isAlive = false
  }

  override toString = () => `log out of ${this.index}`
}

export class RevokeAll extends OnFamily {
  readonly #othersOnly: boolean

  constructor(index: number, othersOnly: boolean) {
    super(index)
    this.#othersOnly = othersOnly
  }

  override async take(
    family: FamiliesModel['families'][number],
    { families }: FamiliesModel,
    real: Families,
  ): Promise<void> {
    const path = this.#othersOnly ? 'sessions?except=current' : 'sessions'
    const { isAlive } = family
    expect(await real.call(this.index, 'DELETE', path)).toBe(isAlive ? 204 : 401)
    if (isAlive) for (const each of families) each.isAlive = this.#othersOnly && each === family
  }

  override toString = () => `end all sessions${this.#othersOnly ? ' but' : ', with'} ${this.index}`
}
