import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  isGrantable,
  isPermittedUnderImpersonation,
  PERMISSIONS,
  type TenantRole,
} from '../../src/users/index.ts'
import { read, root } from './project-files.ts'

const page = read('docs/identity.md')
const permissions = [...PERMISSIONS.keys()]

/** What stands in monospace and looks like `what.happened`. */
function dotted(text: string): string[] {
  return [...text.matchAll(/`([a-z_]+[.][a-z_]+)`/g)].map(([, name = '']) => name)
}

/** The page from one text to the next one of another. */
function between(from: string, to: string): string {
  const [, rest] = page.split(from)
  const [text, after] = (rest ?? '').split(to)
  expect(after, `"${from}" … "${to}"`).toBeDefined()
  return text ?? ''
}

/** Each row of a table as its cells. */
function rows(table: string): string[][] {
  const lines = table.split('\n').filter((line) => /^\| (?!-)/.test(line))
  return lines.map((line) => line.slice(2, -2).split(' | '))
}

describe('permissions', () => {
  const [[, ...roles] = [], ...table] = rows(between('### Roles and permissions\n', '\nEverybody may read'))

  it('are in the table, each with its roles', () => {
    const documented = table.flatMap(([names = '', ...cells]) => {
      const has = roles.filter((_, index) => cells[index] === 'yes')
      return dotted(names).map((name): [string, string[]] => [name, has])
    })
    const inCode = [...PERMISSIONS].map(([name, has]): [string, readonly TenantRole[]] => [name, has])
    expect(documented.toSorted()).toEqual(inCode.toSorted())
  })

  it('that nobody has under impersonation are named', () => {
    const named = dotted(between('**What it may.** Never', 'leaving the organization'))
    const inCode = permissions.filter((name) => !isPermittedUnderImpersonation(name))
    expect(named.toSorted()).toEqual(inCode.toSorted())
  })

  it('that are in no key are named', () => {
    const named = dotted(between('than the maker may is refused (403).', 'and in no key'))
    expect(named.toSorted()).toEqual(permissions.filter((name) => !isGrantable(name)).toSorted())
  })
})

/** The text of each of the program's files, without its tests. */
function sources(): string[] {
  const paths = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  const isProgram = (path: string) => path.endsWith('.ts') && !path.endsWith('.test.ts')
  return paths.filter(isProgram).map((path) => read(join('src', path)))
}

/** The actions of every catalogue, as the sources declare them: a catalogue itself only makes entries. */
function declaredActions(): string[] {
  return sources()
    .flatMap((source) => [...source.matchAll(/^(?:export )?const \w+ = auditCatalogue\(\{\s(.*?)\}\)\n/gms)])
    .flatMap(([, body = '']) => [...body.matchAll(/'([\w.]+)':/g)].map(([, name = '']) => name))
}

it('names every audit action that there is, each once', () => {
  const table = rows(between('| where | actions |\n', '\nSign-ins that fail'))
  expect(table.map(([where]) => where)).toEqual(['both', 'organization', 'core'])
  const actions = declaredActions()
  expect(actions).toContain('admin.created')
  expect(table.flatMap(([, names = '']) => dotted(names)).toSorted()).toEqual(actions.toSorted())
})

/** Every limit of the sources, from `{ name: 'login', limit: 20, windowSeconds: 60 }`. */
function declaredLimits(): string[] {
  const policy = /name: '([\w-]+)', limit: (\d+), windowSeconds: ([\d_*\s]+?) \}/g
  return sources().flatMap((source) =>
    [...source.matchAll(policy)].map(([, name = '', limit = '', seconds = '']) => {
      const product = seconds.split('*').reduce((all, factor) => all * Number(factor.replace('_', '')), 1)
      return `${name}: ${limit} ${product === 60 ? 'a minute' : `in ${product / 3600} hours`}`
    }),
  )
}

it('has every limit with its number', () => {
  const table = rows(between('### Limits\n', '\nThe policy is the name'))
  const documented = table.map(([, policy = '', howMany = '']) => `${policy.replaceAll('`', '')}: ${howMany}`)
  const limits = declaredLimits()
  const written = sources()
    .join()
    .match(/\blimit: \d+, windowSeconds/g)
  expect(limits).toHaveLength(written?.length ?? 0)
  expect(limits.filter((limit) => !documented.some((row) => row.startsWith(limit)))).toEqual([])
})
