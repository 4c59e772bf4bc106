import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { REQUEST_TIMEOUTS } from './connection.ts'
import { createDatabase, type Database } from './database.ts'
import { createPool, type Pool } from './pool.ts'
import { violates } from './sqlstate.ts'

let pool: Pool
let db: Database<'test'>
beforeAll(() => {
  const url = inject('postgresUrl')
  pool = createPool({ url, applicationName: 'transactions', timeouts: REQUEST_TIMEOUTS, max: 1 })
  db = createDatabase('test', pool)
})
afterAll(() => pool.close())
// One connection: what it made for itself alone is there as long as it is.
beforeEach(async () => {
  await db.orm.execute(sql`DROP TABLE IF EXISTS pg_temp.notes`)
  await db.orm.execute(sql`CREATE TEMP TABLE notes (id int CONSTRAINT notes_id UNIQUE)`)
})

const insert = (id: number) => sql`INSERT INTO pg_temp.notes VALUES (${id}::int)`
const ids = async () => (await db.orm.execute(sql`SELECT id FROM pg_temp.notes ORDER BY id`)).rows

describe('the last statement of a transaction', () => {
  it('is committed with those before it', async () => {
    await db.transaction(async (tx) => {
      await tx.orm.execute(insert(1))
      await tx.last.orm.execute(insert(2))
    })
    expect(await ids()).toEqual([{ id: 1 }, { id: 2 }])
  })

  it('takes all back when it fails, and its own error is thrown', async () => {
    const failing = db.transaction(async (tx) => {
      await tx.orm.execute(insert(1))
      await tx.last.orm.execute(insert(1))
    })
    await expect(failing).rejects.toSatisfy((error) => violates(error, 'notes_id'))
    expect(await ids()).toEqual([])
  })

  it('hides no failure that came before it', async () => {
    const failing = db.transaction(async (tx) => {
      await tx.orm.execute(insert(1))
      await tx.orm.execute(insert(1)).catch(() => undefined)
      await tx.last.orm.execute(insert(2))
    })
    await expect(failing).rejects.toThrow()
    expect(await ids()).toEqual([])
  })
})
