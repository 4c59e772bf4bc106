// Runs on whatever Node.js the machine has (20 or newer): plain JavaScript, no dependency.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const NEEDED_MAJOR = 24
const ORPHAN_CHECK_MS = 500
/** What was compiled once is read the next time: a quarter of a command's start. `npm ci` takes it away. */
const COMPILED = join(root, 'node_modules', '.cache', 'compiled')

/**
 * Installs what is missing and runs `entry` (a path inside the project) with the Node.js that the project pins: in
 * this process when it is that one already, in a child otherwise.
 *
 * @param {string} entry
 * @param {string[]} args
 */
export async function run(entry, args) {
  installWhenNeeded()
  const path = join(root, entry)
  if (majorOf(process.versions.node) >= NEEDED_MAJOR) {
    process.argv = [process.argv[0], path, ...args]
    module.enableCompileCache(process.env.NODE_COMPILE_CACHE ?? COMPILED)
    await import(pathToFileURL(path).href)
    return
  }
  const env = { NODE_COMPILE_CACHE: COMPILED, ...process.env }
  mirror(spawn(pinnedNode(), [path, ...args], { stdio: 'inherit', env }))
}

/** Runs `npm ci` unless node_modules holds just what the lock file names. */
export function installWhenNeeded() {
  if (isInstalledAsPackage() || isInstallCurrent()) return
  console.error('Installing dependencies (npm ci) …')
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // What npm prints is not the data of the command that runs afterwards.
    stdio: ['ignore', 2, 2],
  })
  if (error || status !== 0) {
    console.error(`npm ci failed${error ? `: ${error.message}` : ''}. Nothing was started.`)
    process.exit(1)
  }
}

/** The Node.js of `node_modules`, or this one where the platform has none there and this one is new enough. */
export function pinnedNode() {
  const pinned = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(pinned)) return pinned
  if (majorOf(process.versions.node) >= NEEDED_MAJOR) return process.execPath
  console.error(`Tenantry needs Node.js ${NEEDED_MAJOR} or newer; this is ${process.version}.`)
  process.exit(1)
}

function isInstalledAsPackage() {
  return root.split(/[\\/]/).includes('node_modules')
}

/** npm writes node_modules/.package-lock.json as its last act, so an interrupted install counts as none. */
function isInstallCurrent() {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages
  // What is optional may be missing, because it is for another platform; one of another version is out of date.
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || (path in present ? present[path].version === version : optional),
  )
}

function majorOf(version) {
  return Number(version.split('.')[0])
}

/** Lives and dies as the child does; passes signals on; ends the child when npm, which started this, was killed. */
function mirror(child) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  if (process.env.npm_lifecycle_event !== undefined) whenOrphaned(() => child.kill('SIGTERM'))
  child.on('error', (error) => {
    console.error(error.message)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (code !== null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function whenOrphaned(act) {
  const atStart = lineage()
  const timer = setInterval(() => {
    if (lineage() === atStart) return
    // Once: a second signal would mean that somebody does not want to wait for an orderly end.
    clearInterval(timer)
    act()
  }, ORPHAN_CHECK_MS).unref()
}

/**
 * Who started us. npm runs scripts through a shell; some shells (Debian's) do not give way to the program but stay in
 * between and outlive npm, so the shell's parent counts too. src/main/stop-signals.ts does the same.
 */
function lineage() {
  const parent = process.ppid
  const script = process.env.npm_lifecycle_script
  const [, flag, ...command] = readProc(parent, 'cmdline').split('\0')
  const isShellOfNpm = script !== undefined && flag === '-c' && command.join(' ').includes(script)
  if (!isShellOfNpm) return String(parent)
  // The second field is the program's name in brackets, which may hold anything.
  const stat = readProc(parent, 'stat')
  return `${parent} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`
}

function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
