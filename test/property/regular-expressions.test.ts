import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

/** Long enough for a backtracking that grows with the square of the text to take seconds, and far longer for a worse one. */
const LENGTH = 50_000
/** Of the processor's time, so that a busy machine does not count. A linear one takes far less than a millisecond. */
const LIMIT_MS = 1_000

interface Found {
  readonly where: string
  readonly pattern: RegExp
}

/** Every regular expression that the product's sources hold, patterns of schemas included. */
async function regularExpressions(): Promise<Found[]> {
  const found: Found[] = []
  for await (const file of glob('src/**/*.ts', { exclude: ['src/**/*.test.ts'] })) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
    const visit = (node: ts.Node): void => {
      const text = patternIn(node)
      const { line } = source.getLineAndCharacterOfPosition(node.pos)
      if (text) found.push({ where: `${file}:${line + 1} ${text.source}`, pattern: text })
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

function patternIn(node: ts.Node): RegExp | undefined {
  if (ts.isRegularExpressionLiteral(node)) {
    const end = node.text.lastIndexOf('/')
    return new RegExp(node.text.slice(1, end), node.text.slice(end + 1))
  }
  const isSchemas =
    ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && node.name.text === 'pattern'
  return isSchemas && ts.isStringLiteralLike(node.initializer)
    ? new RegExp(node.initializer.text, 'u')
    : undefined
}

/** Texts that what is known of catastrophic patterns stumbles over: long runs, and an end that fits nothing. */
function texts({ source }: RegExp): string[] {
  const seeds = new Set([
    ...'a0 -_.:;,=/"\'@+*\t\n(A',
    ...source.replace(/\\[a-zA-Z]|[()[\]{}|^$?*+\\]/g, ''),
  ])
  const runs = [...seeds].map((seed) => seed.repeat(LENGTH))
  const pairs = ['a.', 'a-', 'a,', '0:', ' a', 'a b', '"a"', 'a@', '--', '/*', "''", '; ', '=,'].map((pair) =>
    pair.repeat(LENGTH / pair.length),
  )
  return [...runs, ...pairs].flatMap((run) => [run, `${run}\u0000`, `"${run}`, `/${run}!`])
}

const all = await regularExpressions()

describe('I12 no regular expression takes long, whatever a stranger sends', () => {
  it('there are some to look at', () => {
    expect(all.length).toBeGreaterThan(30)
  })

  it.each(all)('$where', ({ pattern }) => {
    for (const text of texts(pattern)) {
      pattern.lastIndex = 0
      const before = process.threadCpuUsage()
      pattern.test(text)
      const { user } = process.threadCpuUsage(before)
      expect(user / 1_000, JSON.stringify(text.slice(0, 20))).toBeLessThan(LIMIT_MS)
    }
  })
})
