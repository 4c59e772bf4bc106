import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The project's own folder. */
export const root = join(import.meta.dirname, '../..')

/** The text of one of the project's files. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export function exists(path: string): boolean {
  return existsSync(join(root, path))
}

/** Every Markdown document, as a path from the root. */
export function documents(): string[] {
  const folders = ['.', 'docs', 'docs/adr']
  const paths = folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
  return paths.filter((path) => path.endsWith('.md')).sort()
}

/** What a document says in monospace: inline code, and the lines of its code blocks without comments. */
export function codeIn(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```\w*\n(.*?)^```$/gms)].flatMap(([, code = '']) => code.split('\n'))
  const inline = [...markdown.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, code = '']) => code,
  )
  return [...blocks, ...inline]
    .map((code) => code.replace(/(^|\s)#.*$/, '').trim())
    .filter((code) => code !== '')
}
