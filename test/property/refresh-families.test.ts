import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { runs } from '../support/effort.ts'
import { REALM_NAMES, realmOf } from '../support/realms.ts'
import { LogOut, RefreshNewest, RefreshOld, RevokeAll, SignIn } from './support/session-commands.ts'
import { Families, type FamiliesModel } from './support/session-families.ts'

let test: CheckedPlatform
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  tenantId = (await test.api.createOrganization(await test.api.register())).id
})
afterAll(() => test.close())

const family = fc.nat(3)
const commands = fc.commands(
  [
    fc.constant(new SignIn()),
    // Three of them, so that families get old.
    family.map((index) => new RefreshNewest(index)),
    family.map((index) => new RefreshNewest(index)),
    family.map((index) => new RefreshNewest(index)),
    fc.record({ index: family, age: fc.nat(2) }).map(({ index, age }) => new RefreshOld(index, age, true)),
    fc.record({ index: family, age: fc.nat(2) }).map(({ index, age }) => new RefreshOld(index, age, false)),
    family.map((index) => new LogOut(index)),
    fc
      .record({ index: family, others: fc.boolean() })
      .map(({ index, others }) => new RevokeAll(index, others)),
  ],
  { maxCommands: 20 },
)

it.each(REALM_NAMES)(
  'O1 O2 H7 in the %s realm, whatever is done to sessions, the right tokens live and no others',
  async (name) => {
    const realm = realmOf(test, name === 'core' ? undefined : tenantId)
    await fc.assert(
      fc.asyncProperty(commands, async (steps) => {
        const user = await realm.register()
        const model: FamiliesModel = { families: [{ isAlive: true, used: 0 }] }
        const real = new Families(test.api, realm, user)
        await fc.asyncModelRun(() => ({ model, real }), steps)
        await real.expectLastly(model)
        expect(model.families).toHaveLength(real.size)
      }),
      // Told at a failure, with the seed and the path that repeat it.
      { numRuns: runs(20), verbose: fc.VerbosityLevel.Verbose },
    )
  },
  60_000,
)
