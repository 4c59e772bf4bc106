import type pg from 'pg'
import { eventually } from './poll.ts'
import { connectAsPlatform, connectAsSuperuser } from './running-postgres.ts'

/** The steps of an organization's birth that write a mark in its record. */
export type RecordedStep = 'role' | 'database' | 'grants' | 'marker' | 'migrate' | 'owner' | 'activate'

/** A server whose next organization stops in the middle of its birth, just before one step is recorded. */
export interface HeldStep extends AsyncDisposable {
  /** Waits until an organization has come there. */
  reached(): Promise<void>
  /** Lets it go on. */
  release(): Promise<void>
}

const LOCK = 4711

/**
 * Holds by a trigger in the core database that waits for a lock of ours, so nothing in the server is changed. What is
 * held past the server's statement timeout of 5 s fails there, as does what was held when PostgreSQL stops.
 */
export async function holdStep(dataDir: string, step: RecordedStep): Promise<HeldStep> {
  const core = await connectAsPlatform(dataDir)
  await core.query(`
    DROP TABLE IF EXISTS hold_step;
    CREATE TABLE hold_step AS SELECT false AS released;
    CREATE OR REPLACE FUNCTION hold_step() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
      BEGIN
        PERFORM pg_advisory_xact_lock(${LOCK});
        IF NOT (SELECT released FROM hold_step) THEN RAISE 'still held'; END IF;
        RETURN NEW;
      END $$;
    CREATE OR REPLACE TRIGGER hold_step BEFORE UPDATE ON tenants
      FOR EACH ROW WHEN (NEW.provisioning_step = '${step}') EXECUTE FUNCTION hold_step();
    SELECT pg_advisory_lock(${LOCK})`)
  const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${LOCK} AND NOT granted`
  return {
    reached: async () => {
      await eventually(
        `an organization to reach ${step}`,
        async () => (await core.query(waiting)).rowCount === 1,
      )
    },
    release: async () => {
      // Two transactions: what waits for the lock must see the other first.
      await core.query('UPDATE hold_step SET released = true')
      await core.query(`SELECT pg_advisory_unlock(${LOCK})`)
    },
    [Symbol.asyncDispose]: () => end(core),
  }
}

/** Lets everything pass again on the data of a server that was killed while it was held. */
export async function forgetHeldSteps(dataDir: string): Promise<void> {
  await inCore(dataDir, 'DROP TRIGGER IF EXISTS hold_step ON tenants')
}

/** Holds an organization's birth between its record and its database, by a lock that only a superuser may take. */
export async function holdDatabaseCreation(dataDir: string): Promise<HeldStep> {
  const admin = await connectAsSuperuser(dataDir)
  await admin.query('BEGIN; LOCK TABLE pg_database IN SHARE MODE')
  const waiting = `SELECT FROM pg_locks WHERE relation = 'pg_database'::regclass AND NOT granted`
  return {
    reached: async () =>
      void (await eventually('an organization without a database', async () => {
        return (await admin.query(waiting)).rowCount === 1
      })),
    release: async () => void (await admin.query('COMMIT')),
    [Symbol.asyncDispose]: () => end(admin),
  }
}

/** Makes every claim on an unfinished organization run out now, as if its holder were long dead. */
export async function expireClaims(dataDir: string): Promise<void> {
  await inCore(
    dataDir,
    `UPDATE tenants SET claimed_until = now() - interval '1 second' WHERE claimed_until > now()`,
  )
}

async function inCore(dataDir: string, sql: string): Promise<void> {
  const core = await connectAsPlatform(dataDir)
  try {
    await core.query(sql)
  } finally {
    await end(core)
  }
}

/** The connection may be gone with the server. */
async function end(client: pg.Client): Promise<void> {
  await client.end().catch(() => undefined)
}
