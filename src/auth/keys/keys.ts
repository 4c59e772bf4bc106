import { type Clock, createListener, type Logger, REQUEST_TIMEOUTS } from '../../platform/index.ts'
import { Worker } from '../../tenancy/index.ts'
import { type KeyRing, LiveKeyRing } from './key-ring.ts'
import { createKeySet, type KeySet } from './key-set.ts'
import {
  type KeyDatabase,
  makeMissingKeys,
  type Revoked,
  type Rotated,
  revokeKey,
  rotateKeys,
  rotateWhenDue,
} from './rotation.ts'
import { listSigningKeys } from './store.ts'
import type { Audience } from './tables.ts'

/** The keys of an installation, and what changes them. */
export interface Keys {
  readonly ring: KeyRing
  /** Makes the next keys when it is time, once it is started. */
  readonly worker: Worker
  /**
   * Publishes the next keys, which sign in 24 hours, or lets them sign at once. Rotations that run at the same time, in
   * whatever process, lead to one key for each audience.
   *
   * @throws KeysLockedError
   */
  rotate(audiences: readonly Audience[], atOnce: boolean): Promise<Rotated[]>
  /**
   * Makes every token that a key signed worthless. `undefined` when there is no such key.
   *
   * @throws KeysLockedError
   */
  revoke(kid: string): Promise<Revoked | undefined>
  /** Stops the worker, and hearing of changes. */
  close(): Promise<void>
}

export interface KeysOptions extends KeyDatabase {
  /** Where changes are heard of. */
  readonly databaseUrl: string
  readonly clock: Clock
  readonly log: Logger
}

/** A trigger of the core database tells here that keys were changed. */
const CHANNEL = 'tenantry_signing_keys'
const ROTATION = { intervalMs: 600_000, pauseMs: 1_000 }

/**
 * Opens the keys that all processes on one core database share, and makes them where there are none.
 *
 * @throws SigningKeyError when TENANTRY_SECRET is not the one that sealed them; what the core database answers
 */
export async function openKeys({ databaseUrl, clock, log, ...database }: KeysOptions): Promise<Keys> {
  await makeMissingKeys(database)
  const connection = {
    url: databaseUrl,
    applicationName: 'tenantry key listener',
    timeouts: REQUEST_TIMEOUTS,
  }
  const ring = await LiveKeyRing.open({
    load: () => loadKeys(database, log),
    listen: (handlers) => createListener({ connection, channel: CHANNEL, ...handlers }),
    clock,
    log,
  })
  const rotateDue = async () => {
    for (const { audience, kid, signsFrom } of await rotateWhenDue(database))
      log.info({ audience, kid, signs_from: signsFrom }, 'the next signing key was published')
    return false
  }
  const worker = new Worker([{ name: 'key rotation', run: rotateDue, ...ROTATION }], log)
  return {
    ring,
    worker,
    rotate: async (audiences, atOnce) => {
      // What signs now, before anything is waited for: rotations that began before this one count as this one.
      const known = new Map(audiences.map((audience) => [audience, ring.signing(audience).kid]))
      const rotated = await rotateKeys(database, known, atOnce)
      await ring.refresh()
      return rotated
    },
    revoke: async (kid) => {
      const revoked = await revokeKey(database, kid)
      await ring.refresh()
      return revoked
    },
    close: async () => {
      await worker.stop()
      await ring.close()
    },
  }
}

async function loadKeys({ core, box }: KeyDatabase, log: Logger): Promise<KeySet> {
  const keys = createKeySet(await listSigningKeys(core), box)
  if (keys.unreadable.length > 0)
    log.error({ kids: keys.unreadable }, 'signing keys cannot be opened with this TENANTRY_SECRET')
  return keys
}
