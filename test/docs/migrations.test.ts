import { expect, it } from 'vitest'
import { LINT_CODES } from '../../src/migrations/index.ts'
import { read } from './project-files.ts'

const [, page = ''] = read('docs/migrations.md').split('\n## The lint\n')

it('explains every finding of the lint, and none that there is not', () => {
  const explained = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code)
  expect(explained).toEqual([...LINT_CODES].toSorted())
})

it('is linked from the README', () => {
  expect(read('README.md')).toContain('](docs/migrations.md)')
})
