import { expect, it } from 'vitest'
import { makeServer, recordingLogger } from '../test-support.ts'

it('gauges show in /metrics what they are at that moment, without labels', async () => {
  let open = 3
  const gauge = { name: 'tenantry_open', help: 'What is open now.', collect: () => open }
  await using server = await makeServer({ gauges: [gauge] })
  expect((await server.inject('/metrics')).body).toMatch(/^# TYPE tenantry_open gauge\ntenantry_open 3$/m)
  open = 4
  const { body } = await server.inject('/metrics')
  expect(body).toMatch(/^tenantry_open 4$/m)
  expect(body).toContain('# HELP tenantry_open What is open now.')
})

it('a gauge that fails shows NaN, is logged, and takes no other metric with it', async () => {
  const { log, lines } = recordingLogger()
  const broken = {
    name: 'tenantry_broken',
    help: 'Broken.',
    collect: () => {
      throw new Error('no figure')
    },
  }
  const fine = { name: 'tenantry_fine', help: 'Fine.', collect: () => 1 }
  await using server = await makeServer({ log, gauges: [broken, fine] })
  const answer = await server.inject('/metrics')
  expect(answer.statusCode).toBe(200)
  expect(answer.body).toMatch(/^tenantry_broken nan$/im)
  expect(answer.body).toMatch(/^tenantry_fine 1$/m)
  expect(lines).toContainEqual(expect.objectContaining({ metric: 'tenantry_broken', level: 40 }))
})

it('two gauges of one name are a mistake that the start reports', async () => {
  const gauge = { name: 'tenantry_twice', help: 'Twice.', collect: () => 1 }
  await expect(makeServer({ gauges: [gauge, gauge] })).rejects.toThrow('tenantry_twice')
})
