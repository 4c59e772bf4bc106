import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { acceptAsNew, invite } from '../support/invitations.ts'
import { tokenFor } from '../support/mailbox.ts'
import { enter } from '../support/people.ts'

const GOOD = 'a brand new pass phrase'

let test: CheckedPlatform
let tenantId: string
let slug: string
let elsewhere: string
let owner: SignedInUser
/** Passwords are looked for in the databases, where the name is: those that are tried are written in another way. */
const NAME = 'Ｑuixotic Windmills'
const GUESS = 'QUIXOTIC WINDMILLS'
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  ;({ id: tenantId, slug } = await test.api.createOrganization(owner, NAME))
  elsewhere = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const refusal = (pointer: string) => ({
  status: 422,
  body: { errors: [{ pointer, code: 'too-guessable' }] },
})
const guesses = () => [GUESS, 'ＱuixoticWINDMILLS1!', slug.toUpperCase(), `${slug.toUpperCase()}2026`]

describe('D12 the name of the organization is no password', () => {
  it('for those who register there; elsewhere it is none of its words', async () => {
    const register = (password: string, realm?: string) => {
      const body = { email: `${unique('ann')}@example.com`, password }
      return test.api.post('/auth/register', body, { tenantId: realm })
    }
    for (const password of guesses())
      expect(await register(password, tenantId), password).toMatchObject(refusal('/password'))
    for (const realm of [undefined, elsewhere]) expect((await register(GUESS, realm)).status).toBe(201)
    expect((await register(`${GUESS} AT SUNSET`, tenantId)).status).toBe(201)
  })

  it('for those who change or reset theirs', async () => {
    const user = await test.api.register({ tenantId })
    const call = { token: user.token, tenantId }
    const change = { current_password: user.password, new_password: GUESS }
    expect(await test.api.put('/auth/password', change, call)).toMatchObject(refusal('/new_password'))
    await test.api.post('/auth/password/forgot', { email: user.email }, { tenantId })
    const token = await tokenFor(test, user.email, 'password-reset')
    const reset = (password: string) =>
      test.api.post('/auth/password/reset', { token, password }, { tenantId })
    expect(await reset(slug.toUpperCase())).toMatchObject(refusal('/password'))
    expect((await reset(GOOD)).status).toBe(204)
  })

  it('for those who accept an invitation', async () => {
    const by = await enter(test, tenantId, owner)
    const { token } = await invite(test, tenantId, by, `${unique('guest')}@example.com`)
    expect(await acceptAsNew(test, tenantId, token, { password: GUESS })).toMatchObject(refusal('/password'))
    expect((await acceptAsNew(test, tenantId, token, { password: GOOD })).status).toBe(201)
  })
})
