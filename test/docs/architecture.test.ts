import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { exists, read } from './project-files.ts'

/** A rule of dependency-cruiser, as far as this test looks at it. */
interface Rule {
  readonly name: string
  readonly from: Side
  readonly to: Side & { readonly circular?: boolean }
}

interface Side {
  readonly path?: string | readonly string[]
  readonly pathNot?: string | readonly string[]
}

const { forbidden }: { forbidden: readonly Rule[] } = createRequire(import.meta.url)(
  '../../.dependency-cruiser.cjs',
)

const DOOR = /^(.*)-has-one-door$/
const floors = forbidden.flatMap(({ name }) => DOOR.exec(name)?.[1] ?? [])
const doorOf = (floor: string) => (exists(`src/${floor}.ts`) ? `src/${floor}.ts` : `src/${floor}/index.ts`)

function covers({ path, pathNot }: Side, file: string): boolean {
  const matches = (patterns: string | readonly string[]) =>
    [patterns].flat().some((pattern) => new RegExp(pattern).test(file))
  return path !== undefined && matches(path) && !(pathNot !== undefined && matches(pathNot))
}

/** What a floor may import through the other's door, as the rules have it. */
function allowed(from: string): string[] {
  return floors.filter(
    (to) =>
      to !== from &&
      !forbidden.some((rule) => covers(rule.from, doorOf(from)) && covers(rule.to, doorOf(to))),
  )
}

/** Rows of ARCHITECTURE.md's table: floor, and what it may import. */
function documentedArrows(): { floor: string; imports: string[] }[] {
  const above: string[] = []
  const rows = read('ARCHITECTURE.md').matchAll(/^\| `src\/([\w-]+)(?:\/|\.ts)` \|.*\| ([^|]+) \|$/gm)
  return [...rows].map(([, floor = '', words = '']) => {
    const named = [...words.matchAll(/`([\w-]+)`/g)].map(([, name]) => name)
    const imports = words.startsWith('nothing') ? [] : above.filter((name) => !named.includes(name))
    above.push(floor)
    return { floor, imports }
  })
}

it('has the floors of .dependency-cruiser.cjs, from the ground up', () => {
  expect(documentedArrows().map(({ floor }) => floor)).toEqual(floors)
})

it('has its arrows', () => {
  const arrows = floors.map((floor) => ({ floor, imports: allowed(floor) }))
  expect(documentedArrows()).toEqual(arrows)
})

it('has folders that README.md lists', () => {
  const [, table = ''] = read('README.md').split('\n## Folders\n')
  const listed = [...(table.split('\n## ')[0] ?? '').matchAll(/`src\/([\w-]+)(?:\/|\.ts)`/g)]
  expect(listed.map(([, floor]) => floor).toSorted()).toEqual(floors.toSorted())
})
