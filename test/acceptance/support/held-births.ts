import type pg from 'pg'
import { eventually } from './poll.ts'
import { connectTo } from './running-postgres.ts'

/**
 * Where a server can be killed while it makes an organization: as it commits the reservation, as it records each step
 * that it has done, and as it notes that the news was told.
 */
export const ORGANIZATION_POINTS = [
  'reserve',
  'role',
  'database',
  'grants',
  'marker',
  'migrate',
  'owner',
  'activate',
  'told',
] as const

/** The same for a spare, which gets no owner and is no news. */
export const SPARE_POINTS = ['reserve', 'role', 'database', 'grants', 'marker', 'migrate', 'spare'] as const

/** The same for an organization that gets a spare: its owner is recorded together with its end. */
export const CLAIM_POINTS = ['reserve', 'activate', 'told'] as const

/**
 * What a killed server's last word to PostgreSQL comes to: `lost`, as if it had died before it, or `done`, as if it had
 * died right after it.
 */
export type LastWord = 'lost' | 'done'

export interface HeldBirth {
  readonly point: string
  readonly lastWord: LastWord
  /** Of an organization; without one the next spare is held. */
  readonly slug?: string
}

/**
 * Holds the births of a core database wherever they are told to, all of them at once, by triggers that wait for locks of
 * ours: nothing in the servers is changed.
 */
export class BirthHolder implements AsyncDisposable {
  readonly #core: pg.Client

  private constructor(core: pg.Client) {
    this.#core = core
  }

  /** @param url of the core database, as a role that may make triggers there */
  static async create(url: string): Promise<BirthHolder> {
    const core = await connectTo(url)
    await core.query(TRIGGERS)
    return new BirthHolder(core)
  }

  /** Holds these, and no others, from now on. */
  async hold(births: readonly HeldBirth[]): Promise<void> {
    await this.#core.query('TRUNCATE held_births')
    for (const { point, lastWord, slug } of births)
      await this.#core.query('INSERT INTO held_births VALUES ($1, $2, $3)', [point, LOCKS[lastWord], slug])
    for (const lock of Object.values(LOCKS)) await this.#core.query('SELECT pg_advisory_lock($1)', [lock])
  }

  /** Waits until so many have come where they are held. */
  async reached(count: number): Promise<void> {
    let seen = 0
    await eventually(
      `${count} births to be held`,
      async () => {
        seen = (await this.#waiting()).length
        return seen === count
      },
      { withinMs: 30_000, evidence: () => `${seen} are held` },
    )
  }

  /** Gives every server's last word its fate, once all servers are dead, and waits until PostgreSQL has noticed that. */
  async settle(): Promise<void> {
    for (const { pid, lock } of await this.#waiting())
      if (lock === LOCKS.lost) await this.#core.query('SELECT pg_terminate_backend($1)', [pid])
    await this.#core.query('SELECT pg_advisory_unlock_all()')
    await eventually('the end of all sessions of killed servers', async () => {
      const { rowCount } = await this.#core.query(
        "SELECT FROM pg_stat_activity WHERE application_name LIKE 'tenantry%' AND pid <> pg_backend_pid()",
      )
      return rowCount === 0
    })
    await this.#core.query('TRUNCATE held_births')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#core.end().catch(() => undefined)
  }

  async #waiting(): Promise<{ pid: number; lock: number }[]> {
    const { rows } = await this.#core.query(
      `SELECT pid, objid::int AS lock FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = ANY ($1)`,
      [Object.values(LOCKS)],
    )
    return rows
  }
}

/**
 * DATABASE_URL for servers that are held: statements may wait longer than a server lets them, and heartbeats, which wait
 * for the rows of what is held, give up soon, so that they do not take all of its connections.
 */
export function patient(databaseUrl: string): string {
  const url = new URL(databaseUrl)
  const settings = { statement_timeout: '60000', query_timeout: '60000', lock_timeout: '200' }
  for (const [name, value] of Object.entries(settings)) url.searchParams.set(name, value)
  return url.href
}

const LOCKS: Readonly<Record<LastWord, number>> = { lost: 4712, done: 4713 }

/** The reservation is held at its very commit, by a trigger that is put off until then. */
const TRIGGERS = `
  CREATE TABLE held_births (point text, lock int, slug text, tenant uuid);

  CREATE FUNCTION hold_birth(born uuid, here text) RETURNS void LANGUAGE plpgsql SET lock_timeout = 0 AS $$
    DECLARE held int;
    BEGIN
      SELECT lock INTO held FROM held_births WHERE point = here
        AND (tenant = born OR slug = (SELECT slug FROM organizations WHERE id = born));
      IF FOUND THEN PERFORM pg_advisory_xact_lock(held); END IF;
    END $$;

  CREATE FUNCTION choose_spare() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE held_births SET tenant = NEW.id WHERE ctid = (
        SELECT ctid FROM held_births WHERE slug IS NULL AND tenant IS NULL LIMIT 1 FOR UPDATE SKIP LOCKED);
      RETURN NEW;
    END $$;
  CREATE TRIGGER choose_spare BEFORE INSERT ON tenants
    FOR EACH ROW WHEN (NEW.status = 'preparing') EXECUTE FUNCTION choose_spare();

  CREATE FUNCTION hold_reservation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM hold_birth(NEW.id, 'reserve'); RETURN NULL; END $$;
  CREATE CONSTRAINT TRIGGER hold_reservation AFTER INSERT ON tenants DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION hold_reservation();
  CREATE CONSTRAINT TRIGGER hold_claim AFTER UPDATE ON tenants DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.status = 'spare' AND NEW.status = 'provisioning')
    EXECUTE FUNCTION hold_reservation();

  CREATE FUNCTION hold_step() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM hold_birth(NEW.id, NEW.provisioning_step); RETURN NEW; END $$;
  CREATE TRIGGER hold_step BEFORE UPDATE ON tenants
    FOR EACH ROW WHEN (NEW.provisioning_step IS DISTINCT FROM OLD.provisioning_step)
    EXECUTE FUNCTION hold_step();

  CREATE FUNCTION hold_news() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM hold_birth(NEW.id, 'told'); RETURN NEW; END $$;
  CREATE TRIGGER hold_news BEFORE UPDATE ON tenants
    FOR EACH ROW WHEN (OLD.is_created_event_due AND NOT NEW.is_created_event_due)
    EXECUTE FUNCTION hold_news();`
