import { expect, it } from 'vitest'
import { read } from './project-files.ts'

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly resolved?: string; readonly integrity?: string }>>
}

const { packages }: LockFile = JSON.parse(read('package-lock.json'))

it('installs from whatever registry npm is set up for', () => {
  const tied = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)
  expect(tied).toEqual([])
  // npm would write the addresses back with the next install.
  expect(read('.npmrc')).toMatch(/^omit-lockfile-registry-resolved=true$/m)
})

it('installs nothing but what its checksums name', () => {
  const unchecked = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && !integrity)
  expect(unchecked).toEqual([])
})
