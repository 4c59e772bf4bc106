import { expect, it } from 'vitest'
import { runCommandLine } from '../../src/cli/index.ts'
import { codeIn, documents, exists, read } from './project-files.ts'

const guides = documents().filter((path) => !/^docs.adr.|^CHANGELOG/.test(path))
const code = guides.flatMap((path) =>
  codeIn(read(path)).flatMap((line) => line.split('&&').map((one) => one.trim())),
)
const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))

/** What follows `prefix` in the documents' commands. */
function commands(prefix: RegExp): string[] {
  return [...new Set(code.flatMap((line) => (prefix.test(line) ? [line.replace(prefix, '')] : [])))]
}

async function help(words: readonly string[]): Promise<{ usage: string; text: string }> {
  let text = ''
  const sink = { write: (more: string) => (text += more) }
  const exitCode = await runCommandLine([...words, '--help'], {
    env: {},
    stdout: sink,
    stderr: sink,
    version: '0',
    serve: async () => 0,
    terminal: false,
  })
  expect(exitCode, text).toBe(0)
  return { usage: /^Usage: tenantry (.*)$/m.exec(text)?.[1] ?? '', text }
}

/** A word in capitals stands for what a person puts there. */
function inHelp(argument: string): string {
  return /^[A-Z]+$/.test(argument) ? `<${argument.toLowerCase()}>` : `"${argument}"`
}

it('names npm scripts that exist', () => {
  const named = commands(/^(?:[A-Z_]+=\S+ )*npm (?:run )?(?=\w)/).map((rest) => rest.split(' ')[0] ?? '')
  expect(named).toContain('start')
  expect(named.filter((name) => name !== 'ci' && !(name in scripts))).toEqual([])
})

it.each(commands(/^(?:npx tenantry|docker compose exec app node src\/main\/tenantry[.]ts) /))(
  'names a command that exists: tenantry %s',
  async (line) => {
    const words = line.split(' ')
    const firstOption = words.findIndex((word) => word.startsWith('-'))
    const plain = firstOption < 0 ? words : words.slice(0, firstOption)
    const { usage, text } = await help(plain)
    const path = usage.split(' ').filter((word) => /^\w/.test(word))
    expect(plain.slice(0, path.length)).toEqual(path)
    for (const argument of plain.slice(path.length)) expect(text).toContain(inHelp(argument))
    for (const option of line.match(/--[\w-]+/g) ?? []) expect(`${text} --json`).toContain(option)
  },
)

it('runs test files that exist', () => {
  const files = commands(/^(?:[A-Z_]+=\S+ )*npx vitest run /).flatMap(
    (rest) => rest.match(/\S+[.]test[.]ts/g) ?? [],
  )
  expect(files.length).toBeGreaterThan(0)
  expect(files.filter((path) => !exists(path))).toEqual([])
})

it('names every command in the row of --help', async () => {
  const [, row = ''] = /^\| `npx tenantry --help` \|(.*)\|$/m.exec(read('README.md')) ?? []
  const { text } = await help([])
  const [, list = ''] = /\nCommands:\n(.*?)\n\n/s.exec(text) ?? []
  const names = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
  expect(codeIn(row).toSorted()).toEqual(names.filter((name) => name !== 'help').toSorted())
})
