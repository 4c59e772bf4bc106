import { expect, it } from 'vitest'
import { PROVISIONING_STEPS } from '../../src/tenancy/provisioning/steps.ts'
import { CLAIM_POINTS, ORGANIZATION_POINTS, SPARE_POINTS } from '../acceptance/support/held-births.ts'

it('K21 every step of a birth has a place where a server is killed', () => {
  expect(ORGANIZATION_POINTS).toEqual(['reserve', ...PROVISIONING_STEPS, 'activate', 'told'])
  expect(SPARE_POINTS).toEqual(['reserve', ...PROVISIONING_STEPS.filter((step) => step !== 'owner'), 'spare'])
  expect(CLAIM_POINTS).toEqual(['reserve', 'activate', 'told'])
})
