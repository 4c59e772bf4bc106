import { expect, it } from 'vitest'
import { FINDING_CODES } from '../../src/tenancy/index.ts'
import { read } from './project-files.ts'

const page = read('docs/doctor.md')

it('explains every finding of the doctor, and none that there is not', () => {
  const explained = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code)
  expect(explained).toEqual([...FINDING_CODES].toSorted())
})
