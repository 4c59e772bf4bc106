import { recordAudit } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors } from '../../http/index.ts'
import type { Directory, Provisioning } from '../../members/index.ts'
import { type Id, isId, newId } from '../../platform/index.ts'
import type { TenantDb, TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { byKey, scimAudit } from '../audit.ts'
import { scimErrors } from '../errors.ts'
import type { ScimEvents } from '../events.ts'
import { applyPatch } from '../patch/apply.ts'
import type { Operation } from '../patch/message.ts'
import type { Attributes } from '../resources/read.ts'
import { attributesOf } from './present.ts'
import { type DirectoryUser, fullNameOf, readUser, USER_SCOPE } from './resource.ts'
import { findUser, insertUser, isNameTaken, type StoredUser, saveNames, updateUser } from './store.ts'

/** Whether a user is still the one that a client means; throws where it is not. */
export type Expect = (current: StoredUser) => void

/** Users as a directory keeps them. All throw httpErrors.notFound for an unknown one. */
export interface DirectoryUsers {
  find(tenant: TenantDb, id: string): Promise<StoredUser>
  /** @throws scimErrors; policyErrors.emailDomainNotAllowed */
  create(directory: Directory, user: DirectoryUser): Promise<StoredUser>
  /** Makes a user what it is told to be. @throws scimErrors, memberErrors.lastOwner, what `expect` throws */
  replace(directory: Directory, id: string, user: DirectoryUser, expect: Expect): Promise<StoredUser>
  /** The same of what operations make of the user. */
  patch(
    directory: Directory,
    id: string,
    operations: readonly Operation[],
    expect: Expect,
  ): Promise<StoredUser>
  /** @throws memberErrors.lastOwner */
  remove(directory: Directory, id: string, expect: Expect): Promise<void>
}

export interface DirectoryUsersOptions {
  readonly provisioning: Provisioning
  readonly events: Publisher<ScimEvents>
}

export function createDirectoryUsers({ provisioning, events }: DirectoryUsersOptions): DirectoryUsers {
  const change = async (
    directory: Directory,
    id: string,
    expect: Expect,
    next: (current: StoredUser) => DirectoryUser,
  ): Promise<StoredUser> => {
    const userId = requireId(id)
    const { tenant, keyId, user } = directory
    const fields = await provisioning.change(directory, userId, async (tx) => {
      const current = await need(tx, userId)
      expect(current)
      const wanted = next(current)
      const changed = await synchronize(tx, current, wanted, (email) =>
        provisioning.admit(tx, directory, email),
      )
      const entry = { ...byKey(keyId, 'user', userId), details: { fields: changed.slice(0, 32) } }
      if (changed.length > 0) await recordAudit(tx, scimAudit('user.synchronized', entry))
      const { isActive } = wanted
      return { result: changed, destiny: isActive === undefined ? undefined : { isActive } }
    })
    if (fields.length > 0)
      events.publish('user.synchronized', { userId, by: user.id, fields }, tenant.tenantId)
    return await need(tenant, userId)
  }

  return {
    find: async (tenant, id) => await need(tenant, requireId(id)),
    create: async (directory, wanted) => {
      const { tenant, keyId, user } = directory
      const id = newId()
      await tenant.transaction(async (tx) => {
        const email = requireEmail(wanted)
        await provisioning.admit(tx, directory, email)
        if (await isNameTaken(tx, wanted.userNameKey, id)) throw scimErrors.uniqueness()
        await insertUser(tx, { id, email, fullName: wanted.fullName, isActive: wanted.isActive ?? true })
        await saveNames(tx, id, namesOf(wanted, false))
        await recordAudit(tx, scimAudit('user.provisioned', byKey(keyId, 'user', id)))
      })
      events.publish('user.provisioned', { userId: id, by: user.id }, tenant.tenantId)
      return await need(tenant, id)
    },
    replace: (directory, id, user, expect) => change(directory, id, expect, () => user),
    patch: (directory, id, operations, expect) =>
      change(directory, id, expect, (current) =>
        readUser(applyPatch(USER_SCOPE, attributesOf(current), operations)),
      ),
    remove: async (directory, id, expect) => {
      const userId = requireId(id)
      await provisioning.change(directory, userId, async (tx) => {
        expect(await need(tx, userId))
        return { result: undefined, destiny: 'gone' }
      })
    },
  }
}

/**
 * Writes what the directory says of a user, and nothing where it says nothing new. Gives the names of the attributes that
 * changed, without `active`, which is not its business.
 *
 * @param admit asked before the user gets another address; throws where it may not
 */
async function synchronize(
  tx: TenantTx,
  current: StoredUser,
  next: DirectoryUser,
  admit: (email: string) => Promise<void>,
): Promise<string[]> {
  const { user, hasOwnCredential } = current
  const before = attributesOf(current)
  const fields = differences(before, next.attributes, hasOwnCredential ? ['active', 'emails'] : ['active'])
  if (fields.length === 0) return []
  const email = hasOwnCredential ? user.email : requireEmail(next)
  if (await isNameTaken(tx, next.userNameKey, user.id)) throw scimErrors.uniqueness()
  if (email !== user.email) await admit(email)
  const changes = {
    ...(email !== user.email && { email, emailVerifiedAt: null }),
    // What the directory did not change stays: the user may have.
    ...(next.fullName !== fullNameOf(before) && { fullName: next.fullName }),
  }
  if (Object.keys(changes).length > 0) await updateUser(tx, user.id, changes)
  await saveNames(tx, user.id, namesOf(next, hasOwnCredential))
  return fields
}

function differences(before: Attributes, after: Attributes, except: readonly string[]): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter(
    (name) => !except.includes(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
}

/** What is kept beside the user's own columns; the addresses of an account that has its own are not the directory's. */
function namesOf(
  { userName, userNameKey, externalId, attributes }: DirectoryUser,
  hasOwnCredential: boolean,
) {
  const { userName: _name, externalId: _id, active: _active, emails, ...rest } = attributes
  const kept = hasOwnCredential || emails === undefined ? rest : { ...rest, emails }
  return { userName, userNameKey, externalId, attributes: kept }
}

function requireEmail({ email }: DirectoryUser): string {
  if (email === undefined)
    throw scimErrors.invalidValue({ detail: 'A user has an e-mail address, as userName or among emails.' })
  return email
}

async function need(tenant: TenantExecutor, id: Id): Promise<StoredUser> {
  const found = await findUser(tenant, id)
  if (!found) throw notFound()
  return found
}

function requireId(id: string): Id {
  if (!isId(id)) throw notFound()
  return id
}

function notFound() {
  return httpErrors.notFound({ detail: 'This organization has no such user.' })
}
