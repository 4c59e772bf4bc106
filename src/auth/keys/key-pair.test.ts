import { expect, it } from 'vitest'
import { createSecretBox } from '../../platform/index.ts'
import { generateKey } from './key-pair.ts'

it('has an id that a command line takes for no option', async () => {
  const box = createSecretBox('test-secret-with-enough-different-characters-42')
  const keys = await Promise.all(Array.from({ length: 500 }, () => generateKey('core', box)))
  expect(keys.filter(({ kid }) => kid.startsWith('-'))).toEqual([])
})
