import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'

let test: CheckedPlatform
let owner: SignedInUser
let member: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  member = await test.api.login(owner, tenantId)
})
afterAll(() => test.close())

const nameOrganization = (name: string) =>
  test.api.post('/organizations', { name, slug: unique('name') }, { token: owner.token })
const nameMyself = (full_name: string) =>
  test.api.put('/users/me', { full_name }, { token: member.token, tenantId })

describe('a name', () => {
  it.each([
    ['D7 emoji', '🦄 Ltd 👍🏽'],
    ['D7 a family of joined emoji', '👨‍👩‍👧‍👦 & Co'],
    ['D7 right to left', 'חברה בע״מ شركة'],
    ['D7 254 marks on one letter', `a${'\u0301'.repeat(254)}`.normalize('NFC')],
    ['D7 255 code points beyond the first plane', '𝕏'.repeat(255)],
    ['D7 a line break', 'two\nlines\tand a tab'],
    ['D8 markup', '<script>alert(1)</script>'],
    ['D8 a template', '{{7*7}} \x24{7*7} <%= 7*7 %>'],
    ['D8 a formula', "=cmd|' /C calc'!A0"],
    ['D8 a look-up', '\x24{jndi:ldap://127.0.0.1/a}'],
    ['D8 JSON', '","is_owner":true,"x":"'],
    ['E1 SQL', "Robert'); DROP TABLE users; --"],
    ['E1 a quote at the end', "O'Brien \\'"],
    ['E1 a format', '%s %n %00 $1 :name ?'],
  ])('%s: what is stored comes back as it was', async (_, name) => {
    const created = await nameOrganization(name)
    expect(created).toMatchObject({ status: 201, body: { name } })
    const found = await test.api.get(`/organizations/${created.body.id}`, { token: owner.token })
    expect(found.body.name).toBe(name)
    expect(await nameMyself(name)).toMatchObject({ status: 200, body: { full_name: name } })
    const me = await test.api.get('/users/me', { token: member.token, tenantId })
    expect(me.body.full_name).toBe(name)
  })

  it('D7 is kept in NFC', async () => {
    const [composed, decomposed] = ['Café Å'.normalize('NFC'), 'Café Å'.normalize('NFD')]
    expect(composed).not.toBe(decomposed)
    expect((await nameOrganization(decomposed)).body.name).toBe(composed)
    expect((await nameMyself(decomposed)).body.full_name).toBe(composed)
    const registered = await test.api.post('/auth/register', {
      email: `${unique('cafe')}@example.com`,
      password: owner.password,
      full_name: decomposed,
    })
    expect(registered.body.user.full_name).toBe(composed)
  })

  it.each([
    ['D7 256 code points', '𝕏'.repeat(256), 'too-long'],
    ['nothing', '', 'too-short'],
    ['C7 NUL', 'a\u0000b', 'forbidden-character'],
    ['C7 a control', 'a\u0007b', 'forbidden-character'],
    ['C7 a C1 control', 'a\u0085b', 'forbidden-character'],
    ['C7 a lone surrogate', 'a\udc00b', 'forbidden-character'],
    ['C7 a bidirectional override', 'a\u202eb', 'forbidden-character'],
    ['C7 a byte order mark', '\ufeffab', 'forbidden-character'],
    ['C7 a noncharacter', 'a\uffffb', 'forbidden-character'],
  ])('%s is refused: 422', async (_, name, code) => {
    const organization = await nameOrganization(name)
    expect(organization).toMatchObject({ status: 422, body: { errors: [{ pointer: '/name', code }] } })
    const profile = await nameMyself(name)
    expect(profile).toMatchObject({ status: 422, body: { errors: [{ pointer: '/full_name', code }] } })
  })

  it('of an organization is more than spaces', async () => {
    const reply = await nameOrganization(' \t ')
    expect(reply).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/name', code: 'invalid-format' }] },
    })
  })
})
