import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import packaged, { inflate } from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'
import { PROJECT } from '../../acceptance/support/project.ts'

const PACKAGE = join(PROJECT, 'node_modules', '@sparticuz', 'chromium')
const CACHE = join(PROJECT, 'node_modules', '.cache')
const SYSTEM_CHROMIUM = '/usr/bin/chromium'

/** The package holds a browser for x64 only. */
const isPackaged = process.platform === 'linux' && process.arch === 'x64'

/** Whether this machine has a browser to test with: always on Linux x64, elsewhere when one is installed. */
export const hasBrowser = isPackaged || existsSync(SYSTEM_CHROMIUM)

// Nothing here is drawn in three dimensions.
packaged.setGraphicsMode = false

/**
 * What the package advises, without what makes a browser unlike the one that people have: without its rules on
 * origins it could not show that the pages keep to them.
 */
const ARGS = packaged.args.filter(
  (flag) =>
    !['--disable-web-security', '--allow-running-insecure-content', '--single-process'].includes(flag),
)

export async function launchBrowser(): Promise<Browser> {
  if (!isPackaged) return await chromium.launch({ executablePath: SYSTEM_CHROMIUM, args: ARGS })
  const directory = await unpack()
  const executablePath = join(directory, 'chromium')
  return await chromium.launch({ executablePath, args: ARGS, env: environmentFor(executablePath, directory) })
}

/**
 * Unpacks the browser once for each version, in a directory of the project's own. (The package itself would use
 * whatever is called /tmp/chromium: another version's, half of one that is being unpacked, or another user's.)
 */
async function unpack(): Promise<string> {
  const { version }: { version: string } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
  const target = join(CACHE, `chromium-${version}`)
  if (existsSync(target)) return target
  await mkdir(CACHE, { recursive: true })
  const draft = await mkdtemp(`${target}.new-`)
  const { TMPDIR } = process.env
  process.env['TMPDIR'] = draft
  try {
    await packaged.executablePath()
    await inflate(join(PACKAGE, 'bin', 'al2023.tar.br'))
    await writeFile(join(draft, 'fonts', 'fonts.conf'), fontConfiguration(join(target, 'fonts')))
    // Another run may have come first, which is as good.
    await rename(draft, target).catch((error) => {
      if (!existsSync(target)) throw error
    })
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
    await rm(draft, { recursive: true, force: true })
  }
  return target
}

/** The package's own names /tmp/fonts; a browser that finds no font at all ends with the first page. */
function fontConfiguration(fonts: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${fonts}</dir><cachedir>${fonts}/cache</cachedir></fontconfig>
`
}

/** Machines without a desktop may lack libraries that the browser needs; the package has those, too. */
function environmentFor(executable: string, directory: string): Record<string, string> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/tmp',
    FONTCONFIG_PATH: join(directory, 'fonts'),
  }
  const runs = spawnSync(executable, ['--version'], { env }).status === 0
  return runs ? env : { ...env, LD_LIBRARY_PATH: join(directory, 'al2023', 'lib') }
}
