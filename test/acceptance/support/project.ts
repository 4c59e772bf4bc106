import { cp, mkdir, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** The project's own folder. */
export const PROJECT = join(import.meta.dirname, '../../..')

/** Where commands begin in a clone; starting it directly leaves node_modules as it is. */
export const ENTRY = join('src', 'main', 'tenantry.ts')

const LEFT_OUT = new Set(['node_modules', '.git', '.tenantry', '.env', 'coverage', 'dist'])

/** A copy of the project that can be changed, on the same node_modules, so that nothing is installed. */
export async function copyProject(target: string): Promise<string> {
  await mkdir(target, { recursive: true })
  await cp(PROJECT, target, {
    recursive: true,
    filter: (source) => !LEFT_OUT.has(relative(PROJECT, source)),
  })
  await symlink(join(PROJECT, 'node_modules'), join(target, 'node_modules'))
  return target
}

/** PATH as a shell has it, without what npm and npx put in front. */
export const SHELL_PATH = (process.env['PATH'] ?? '')
  .split(':')
  .filter((directory) => !directory.includes('node_modules'))
  .join(':')
