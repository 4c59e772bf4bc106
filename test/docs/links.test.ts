import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { codeIn, documents, exists, read } from './project-files.ts'

const folders = [
  'bench',
  'bin',
  'docker',
  'docs',
  'migrations',
  'scripts',
  'src',
  'test',
  '.githooks',
  '.github',
]

/** As GitHub makes an anchor of a heading. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.+)$/gm)]
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function linksOf(markdown: string): { target: string; anchor: string | undefined }[] {
  const targets = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((link) => {
      const [target = '', anchor] = link.split('#')
      return { target, anchor }
    })
}

it.each(documents())('%s links to what exists', (document) => {
  for (const { target, anchor } of linksOf(read(document))) {
    const path = target === '' ? document : join(dirname(document), target)
    expect(exists(path), `${document} links to ${path}`).toBe(true)
    if (anchor !== undefined) expect(anchorsOf(read(path)), `${document} links to ${path}`).toContain(anchor)
  }
})

it.each(documents())('%s names paths that exist', (document) => {
  const isPath = (code: string) => folders.some((folder) => code.startsWith(`${folder}/`))
  const paths = codeIn(read(document)).filter((code) => isPath(code) && /^[\w./-]+$/.test(code))
  expect(paths.filter((path) => !exists(path))).toEqual([])
})
