import { chmod, lstat, mkdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isRoot, runAs } from './account.ts'
import { completePrograms, copyPrograms, findPrograms, type Programs, programPath } from './programs.ts'
import { scratch } from './test-support.ts'

/** A package as the registry has it, in small: no links, and nothing that others may read. */
async function smallPackage(root: string): Promise<Programs> {
  await mkdir(join(root, 'lib'), { recursive: true, mode: 0o700 })
  await mkdir(join(root, 'bin'), { mode: 0o700 })
  await writeFile(join(root, 'bin', 'postgres'), '#!/bin/sh\necho ran\n', { mode: 0o700 })
  await writeFile(join(root, 'lib', 'libpq.so.5.18'), 'library', { mode: 0o600 })
  const links = [
    { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
    { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
  ]
  await writeFile(join(root, 'pg-symlinks.json'), JSON.stringify(links), { mode: 0o600 })
  return { root, version: '18.0.0', major: '18' }
}

it('finds programs that run once their links are made', async () => {
  const programs = await completePrograms(await findPrograms(), '/nowhere')
  const { output } = await runAs(undefined, programPath(programs, 'postgres'), ['--version'])
  expect(output).toMatch(new RegExp(`^postgres \\(PostgreSQL\\) ${programs.major}\\.`))
})

it('makes the links that a skipped install script leaves out, also many at once', async () => {
  await using place = await scratch()
  const programs = await smallPackage(join(place.path, 'native'))
  const made = await Promise.all(
    Array.from({ length: 4 }, () => completePrograms(programs, join(place.path, 'copy'))),
  )
  expect(made).toEqual([programs, programs, programs, programs])
  expect(await readlink(join(programs.root, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18')
  expect((await stat(join(programs.root, 'lib', 'libpq.so'))).size).toBe(7)
})

it.skipIf(!isRoot())(
  'uses a copy where links are missing and the package belongs to somebody else',
  async () => {
    await using place = await scratch()
    const programs = await smallPackage(join(place.path, 'native'))
    await copyPrograms(programs, join(place.path, 'readable'))
    const source = { ...programs, root: join(place.path, 'readable') }
    await rm(join(source.root, 'lib', 'libpq.so'))
    const copyRoot = join(place.path, 'own')
    await chmod(place.path, 0o777)
    const script = `
    const { completePrograms } = await import(process.argv[1])
    console.log((await completePrograms(JSON.parse(process.argv[2]), process.argv[3])).root)`
    const module = new URL('./programs.ts', import.meta.url).href
    const args = ['--input-type=module', '-e', script, module, JSON.stringify(source), copyRoot]
    const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 }
    expect(await runAs(nobody, process.execPath, args)).toEqual({ ok: true, output: copyRoot })
    expect(await readlink(join(copyRoot, 'lib', 'libpq.so'))).toBe('libpq.so.5.18')
  },
)

it('copies so that every user can run it, and only once', async () => {
  await using place = await scratch()
  const programs = await completePrograms(await smallPackage(join(place.path, 'native')), '/nowhere')
  const target = join(place.path, 'deep', 'copy')
  const copies = await Promise.all([copyPrograms(programs, target), copyPrograms(programs, target)])
  expect(copies.map(({ root }) => root)).toEqual([target, target])
  const modeOf = async (path: string) => ((await lstat(join(target, path))).mode & 0o777).toString(8)
  expect(await Promise.all(['', 'bin', 'bin/postgres', 'lib/libpq.so.5.18'].map(modeOf))).toEqual([
    '755',
    '755',
    '755',
    '644',
  ])
  expect(await readlink(join(target, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18')
})
