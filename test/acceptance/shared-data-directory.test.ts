import { expect, it } from 'vitest'
import { createOrganization, newPerson, register } from './support/api.ts'
import { json } from './support/json.ts'
import { postgresProcesses, postmasterOf } from './support/running-postgres.ts'
import { Workspace } from './support/workspace.ts'

it('commands share PostgreSQL with a server, and bring their own where none runs', {
  timeout: 90_000,
}, async () => {
  await using place = await Workspace.create()
  const applied = json(await place.tenantry('migrate up core --json'))
  expect(applied.applied).not.toHaveLength(0)
  expect(postgresProcesses(place.dataDir)).toEqual([])

  const server = await place.serve({ SPARE_DATABASES: '0' })
  const tenantId = await createOrganization(
    server.url,
    await register(server.url, newPerson('owner')),
    'Seen',
  )
  const postmaster = postmasterOf(place.dataDir)
  expect(json(await place.tenantry('tenants list --json'))).toMatchObject([
    { id: tenantId, status: 'active' },
  ])
  expect(postmasterOf(place.dataDir)).toBe(postmaster)
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
  expect(await server.stop()).toBe(0)
  expect(postgresProcesses(place.dataDir)).toEqual([])

  expect(json(await place.tenantry('tenants list --json'))).toMatchObject([{ id: tenantId }])
  expect(postgresProcesses(place.dataDir)).toEqual([])
})
