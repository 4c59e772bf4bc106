import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import { hashRefreshToken } from '../../../src/auth/sessions/refresh-token.ts'
import type { ApiClient, SignedInUser } from '../../support/api-client.ts'
import { sessionOf, type TestRealm } from '../../support/realms.ts'

/** What is true of sessions and their refresh tokens, without any token: a family is a sign-in and what came of it. */
export interface FamiliesModel {
  readonly families: { isAlive: boolean; used: number }[]
}

interface Family {
  readonly sessionId: string
  /** Oldest first; all but the last are used. */
  readonly refreshTokens: string[]
  readonly accessTokens: string[]
}

/** The sessions of one user, as the server gave them. */
export class Families {
  readonly #api: ApiClient
  readonly #realm: TestRealm
  readonly #user: SignedInUser
  readonly #families: Family[]

  constructor(api: ApiClient, realm: TestRealm, user: SignedInUser) {
    this.#api = api
    this.#realm = realm
    this.#user = user
    this.#families = [familyOf(user)]
  }

  get size(): number {
    return this.#families.length
  }

  async signIn(): Promise<void> {
    this.#families.push(familyOf(await this.#api.login(this.#user, this.#realm.tenantId)))
  }

  /** Refreshes with the token that is `age` generations older than the newest, and remembers what it gets. */
  async refresh(index: number, age: number): Promise<{ status: number; isKnown: boolean }> {
    const { refreshTokens, accessTokens } = this.#at(index)
    const at = refreshTokens.length - 1 - age
    const { status, body } = await this.#realm.refresh(refreshTokens[at] ?? '')
    if (status !== 200) return { status, isKnown: false }
    accessTokens.push(body.access_token)
    if (age === 0) refreshTokens.push(body.refresh_token)
    return { status, isKnown: refreshTokens[at + 1] === body.refresh_token }
  }

  /** Lets a used token be used so many seconds ago. */
  async setUsed(index: number, age: number, secondsAgo: number): Promise<void> {
    const { refreshTokens } = this.#at(index)
    const hash = hashRefreshToken(refreshTokens[refreshTokens.length - 1 - age] ?? '')
    const rows = await this.#realm.change(
      sql`UPDATE refresh_tokens SET used_at = now() - make_interval(secs => ${secondsAgo})
        WHERE hash = ${hash} AND used_at IS NOT NULL RETURNING hash`,
    )
    expect(rows).toHaveLength(1)
  }

  async call(index: number, method: 'POST' | 'DELETE', path: string): Promise<number> {
    const token = this.#at(index).accessTokens.at(-1)
    const call = { token, tenantId: this.#realm.tenantId }
    return (await this.#api.send(method, `/api/v1/auth/${path}`, undefined, call)).status
  }

  /** Exactly the sessions that the model has alive let their access tokens in and are listed. */
  async expectLike({ families }: FamiliesModel): Promise<void> {
    for (const [index, { isAlive }] of families.entries()) {
      const { accessTokens } = this.#at(index)
      for (const token of [accessTokens[0], accessTokens.at(-1)])
        expect(await this.#realm.isIn(token ?? ''), `family ${index}`).toBe(isAlive)
    }
    const alive = this.#families.filter((_, index) => families[index]?.isAlive)
    const [first] = alive
    if (!first) return
    const call = { token: first.accessTokens[0], tenantId: this.#realm.tenantId }
    const { body } = await this.#api.get('/auth/sessions', call)
    const listed = body.map(({ id }: { id: string }) => id)
    expect(listed.sort()).toEqual(alive.map(({ sessionId }) => sessionId).sort())
  }

  /** Exactly the sessions that the model has alive can be refreshed, and of those that ended no token can. */
  async expectLastly({ families }: FamiliesModel): Promise<void> {
    for (const [index, { isAlive }] of families.entries()) {
      const { refreshTokens } = this.#at(index)
      if (isAlive) expect((await this.refresh(index, 0)).status, `family ${index}`).toBe(200)
      else for (const token of refreshTokens) expect((await this.#realm.refresh(token)).status).toBe(401)
    }
  }

  #at(index: number): Family {
    const family = this.#families[index]
    if (!family) throw new Error(`there is no family ${index}`)
    return family
  }
}

function familyOf(user: SignedInUser): Family {
  return { sessionId: sessionOf(user), refreshTokens: [user.refreshToken], accessTokens: [user.token] }
}
