import { describe, expect, it } from 'vitest'
import { newPerson, register, signIn } from './support/api.ts'
import { EXTERNAL_VERSIONS, startExternalPostgres } from './support/external-postgres.ts'
import { playFlow } from './support/flow.ts'
import { connectTo, processesNaming } from './support/running-postgres.ts'
import { Workspace } from './support/workspace.ts'

describe.each(EXTERNAL_VERSIONS)('on a PostgreSQL server of somebody else’s, version %s', (version) => {
  it('needs no more than CREATEDB and CREATEROLE, and starts no other PostgreSQL', {
    timeout: 90_000,
  }, async () => {
    await using place = await Workspace.create()
    const external = await startExternalPostgres(place, version)
    const DATABASE_URL = external.urlFor('core')
    const server = await place.serve({ DATABASE_URL })
    await playFlow(server.url)
    expect(processesNaming(place.dataDir)).toEqual([])

    const owner = newPerson('owner')
    await register(server.url, owner)
    expect(await server.stop()).toBe(0)
    const again = await place.serve({ DATABASE_URL })
    await signIn(again.url, owner)
    expect(await again.stop()).toBe(0)

    // Nothing of ours stays connected, and nothing of ours may do more than it was given.
    const admin = await connectTo(external.adminUrl)
    const { rows } = await admin.query(`
      SELECT (SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'platform') AS connected,
             (SELECT count(*)::int FROM pg_roles WHERE rolsuper AND rolname <> 'postgres') AS superusers`)
    await admin.end()
    expect(rows).toEqual([{ connected: 0, superusers: 0 }])
  })

  it('says when the server does not know the role', async () => {
    await using place = await Workspace.create()
    const external = await startExternalPostgres(place, version)
    const url = new URL(external.urlFor('core'))
    url.password = 'a-password-of-another-server'
    const { code, stdout, stderr } = await place.tenantry('serve', { DATABASE_URL: url.href })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^[^\n]*platform[^\n]*\n$/)
    expect(stderr).not.toContain(url.password)
  })
})
