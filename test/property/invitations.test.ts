import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { runs, within } from '../support/effort.ts'
import { acceptAsNew, sentTo } from '../support/invitations.ts'
import { enter, type LinkedPerson } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'

type Status = 'pending' | 'expired' | 'accepted' | 'revoked'

/** An invitation as it should be: of its tokens the newest is good while it is pending. */
interface Expected {
  status: Status
  readonly address: number
  tokens: number
}

interface Model {
  readonly invitations: Expected[]
  /** Addresses that are in. */
  readonly members: Set<number>
}

interface Made {
  readonly id: string
  readonly email: string
  readonly tokens: string[]
}

class Real {
  readonly made: Made[] = []
  readonly emails = [fresh(), fresh()] as const

  async send(method: 'POST' | 'DELETE', path: string, body?: object) {
    const call = { token: owner.tenantToken, tenantId }
    return await test.api.send(method, `/api/v1/invitations${path}`, body, call)
  }

  async noteToken(index: number): Promise<void> {
    const made = this.made[index]
    if (made) made.tokens.push(await sentTo(test, made.email))
  }
}

let test: CheckedPlatform
let owner: LinkedPerson
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  const founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
  owner = await enter(test, tenantId, founder)
})
afterAll(() => test.close())

function fresh(): string {
  return `${unique('model')}@example.com`
}

type Command = fc.AsyncCommand<Model, Real>

class Create implements Command {
  readonly address: number
  constructor(address: number) {
    this.address = address
  }
  check = () => true
  async run(model: Model, real: Real): Promise<void> {
    const open = model.invitations.find(
      ({ address, status }) => address === this.address && (status === 'pending' || status === 'expired'),
    )
    const email = real.emails[this.address] ?? ''
    const reply = await real.send('POST', '', { email, role: 'member' })
    if (model.members.has(this.address)) return expect(reply.body.code).toBe('email-taken')
    if (open?.status === 'pending') return expect(reply.body.code).toBe('invitation-pending')
    expect(reply.status).toBe(201)
    if (open) open.status = 'revoked'
    real.made.push({ id: reply.body.id, email, tokens: [] })
    await real.noteToken(real.made.length - 1)
    model.invitations.push({ status: 'pending', address: this.address, tokens: 1 })
  }
  toString = () => `create(${this.address})`
}

/** What happens to one of the invitations that there are. */
abstract class OfOne implements Command {
  readonly which: number
  constructor(which: number) {
    this.which = which
  }
  check = (model: Readonly<Model>) => model.invitations.length > 0
  async run(model: Model, real: Real): Promise<void> {
    const index = this.which % model.invitations.length
    const [invitation, made] = [model.invitations[index], real.made[index]]
    if (!invitation || !made) throw new Error('there is none')
    await this.on(invitation, made, { model, real, index })
  }
  abstract on(
    invitation: Expected,
    made: Made,
    all: { model: Model; real: Real; index: number },
  ): Promise<void>
  toString = () => `${this.constructor.name}(${this.which})`
}

const isSettled = ({ status }: Expected) => status === 'accepted' || status === 'revoked'

class Resend extends OfOne {
  async on(invitation: Expected, made: Made, { real, index }: { real: Real; index: number }): Promise<void> {
    const reply = await real.send('POST', `/${made.id}/resend`, {})
    if (isSettled(invitation)) return expect(reply.body.code).toBe('invitation-settled')
    expect(reply.status).toBe(202)
    await real.noteToken(index)
    invitation.status = 'pending'
    invitation.tokens++
  }
}

class Revoke extends OfOne {
  async on(invitation: Expected, made: Made, { real }: { real: Real }): Promise<void> {
    const reply = await real.send('DELETE', `/${made.id}`)
    expect(reply.status).toBe(isSettled(invitation) ? 409 : 204)
    if (!isSettled(invitation)) invitation.status = 'revoked'
  }
}

class Expire extends OfOne {
  async on(invitation: Expected, { id }: Made): Promise<void> {
    await inTenant(
      test.platform,
      tenantId,
      sql`UPDATE invitations SET expires_at = now() - interval '1 minute' WHERE id = ${id}`,
    )
    if (invitation.status === 'pending') invitation.status = 'expired'
  }
}

class Accept extends OfOne {
  readonly age: number
  constructor(which: number, age: number) {
    super(which)
    this.age = age
  }
  async on(invitation: Expected, made: Made, { model }: { model: Model }): Promise<void> {
    const age = Math.min(this.age, invitation.tokens - 1)
    const reply = await acceptAsNew(test, tenantId, made.tokens.at(-1 - age) ?? '')
    if (invitation.status !== 'pending' || age > 0) return expect(reply.body.code).toBe('invitation-invalid')
    expect(reply).toMatchObject({ status: 201, body: { user: { email: made.email } } })
    invitation.status = 'accepted'
    model.members.add(invitation.address)
  }
}

const which = fc.nat(7)
const commands = fc.commands(
  [
    fc.nat(1).map((address) => new Create(address)),
    fc.nat(1).map((address) => new Create(address)),
    which.map((index) => new Resend(index)),
    which.map((index) => new Revoke(index)),
    which.map((index) => new Expire(index)),
    fc.record({ index: which, age: fc.nat(1) }).map(({ index, age }) => new Accept(index, age)),
  ],
  { maxCommands: 24 },
)

it(
  'O10 H8 whatever is done to invitations, the newest token of a pending one works, and no other',
  async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (steps) => {
        const model: Model = { invitations: [], members: new Set() }
        const real = new Real()
        await fc.asyncModelRun(() => ({ model, real }), steps)
        const call = { token: owner.tenantToken, tenantId }
        const { items } = (await test.api.get('/invitations?limit=100', call)).body
        for (const [index, { status }] of model.invitations.entries()) {
          const found = items.find(({ id }: { id: string }) => id === real.made[index]?.id)
          expect(found?.status).toBe(status)
        }
      }),
      // Told at a failure, with the seed and the path that repeat it.
      { numRuns: runs(40), verbose: fc.VerbosityLevel.Verbose },
    )
  },
  within(60_000),
)
