import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { EmbeddedPostgresError } from './errors.ts'

/** The operating system's user that PostgreSQL's processes run as; `undefined` stands for oneself. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Says whether this process runs as root, which PostgreSQL refuses to do. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** What every process is started with: nothing of our environment (PGPORT, LANG, NODE_OPTIONS…) can change it. */
export function childOptions(account: Account | undefined) {
  return {
    cwd: '/',
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    ...(account && { uid: account.uid, gid: account.gid }),
  }
}

const PROGRAM_LIMIT_MS = 55_000

/** Runs a program to its end; `output` is what it wrote on either stream. Never throws. */
export async function runAs(
  account: Account | undefined,
  file: string,
  args: readonly string[],
): Promise<{ readonly ok: boolean; readonly output: string }> {
  try {
    const options = { ...childOptions(account), timeout: PROGRAM_LIMIT_MS, killSignal: 'SIGKILL' } as const
    const { stdout, stderr } = await promisify(execFile)(file, args, options)
    return { ok: true, output: `${stdout}${stderr}`.trim() }
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string }
    return { ok: false, output: `${stdout}${stderr}`.trim() || message }
  }
}

/** Reads the users of a file in the format of /etc/passwd. */
export function parsePasswd(text: string): Account[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : []
  })
}

/** The user with this number, where the machine has one. */
export function knownAccount(uid: number): Account | undefined {
  return systemAccounts().find((account) => account.uid === uid)
}

const OWN_ACCOUNT = 'tenantry'

/**
 * The user that root starts PostgreSQL as: `postgres`, or one made for the purpose, or `nobody`.
 *
 * @throws EmbeddedPostgresError when the machine has none of them
 */
export async function accountForRoot(): Promise<Account> {
  const existing = named('postgres') ?? named(OWN_ACCOUNT)
  if (existing) return existing
  await createOwnAccount()
  const account = named(OWN_ACCOUNT) ?? named('nobody')
  if (account) return account
  throw new EmbeddedPostgresError(
    'PostgreSQL refuses to run as root and no user for it could be made: ' +
      'create one (useradd --system tenantry), run as an ordinary user, or set DATABASE_URL',
  )
}

async function createOwnAccount(): Promise<void> {
  const made = await runAs(undefined, 'useradd', ['--system', '--no-create-home', OWN_ACCOUNT])
  // BusyBox has no useradd.
  if (!made.ok) await runAs(undefined, 'adduser', ['-S', '-D', '-H', OWN_ACCOUNT])
}

function named(name: string): Account | undefined {
  return systemAccounts().find((account) => account.name === name && account.uid !== 0)
}

function systemAccounts(): Account[] {
  try {
    return parsePasswd(readFileSync('/etc/passwd', 'utf8'))
  } catch {
    return []
  }
}
