import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ExternalPostgres, startExternalPostgres } from './support/external-postgres.ts'
import { json } from './support/json.ts'
import type { Finished } from './support/processes.ts'
import { copyProject } from './support/project.ts'
import { Workspace } from './support/workspace.ts'

let place: Workspace
let postgres: ExternalPostgres
let project: string
beforeAll(async () => {
  place = await Workspace.create()
  project = await copyProject(join(place.path, 'project'))
  postgres = await startExternalPostgres(place)
}, 60_000)
afterAll(() => place[Symbol.asyncDispose]())

async function run(args: string): Promise<Finished> {
  return await place.tenantry(args, { DATABASE_URL: postgres.urlFor('core') }, project)
}

/** Edits the copy's models as a developer does. */
async function editModels(before: string, after: string): Promise<void> {
  const path = join(project, 'src', 'users', 'tables.ts')
  const text = await readFile(path, 'utf8')
  if (!text.includes(before)) throw new Error(`the models have no ${before}`)
  await writeFile(path, text.replace(before, after))
}

/** All that lies with the core's migrations. */
async function coreMigrations(): Promise<Record<string, string>> {
  const directory = join(project, 'migrations', 'core')
  const names = (await readdir(directory)).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']))
}

const EMAIL = `email: text().notNull().unique('users_email_key'),\n`

describe('tenantry migrate generate', { timeout: 90_000 }, () => {
  it('writes nothing where nothing has changed', async () => {
    const before = await coreMigrations()
    expect(json(await run('migrate generate core --name nothing --json'))).toEqual({ path: null })
    expect(await coreMigrations()).toEqual(before)
  })

  it('writes a new column as a file that goes up, down and up again', async () => {
    await editModels(EMAIL, `${EMAIL}  nickname: text(),\n`)
    const { path } = json(await run('migrate generate core --name add_nickname --json'))
    expect(basename(path)).toMatch(/^\d{14}_add_nickname[.]sql$/)
    expect(await readFile(path, 'utf8')).toBe(
      '-- migrate:up\nALTER TABLE "users" ADD COLUMN "nickname" text;\n\n' +
        '-- migrate:down\nALTER TABLE "users" DROP COLUMN "nickname";\n',
    )
    expect(json(await run('migrate up core --json')).applied.at(-1)).toMatchObject({ name: 'add_nickname' })
    expect((await run('migrate status core --check')).code).toBe(0)
    const { reverted } = json(await run('migrate down core --yes --allow-data-loss --json'))
    expect(reverted).toMatchObject([{ name: 'add_nickname' }])
    expect(json(await run('migrate up core --json')).applied).toMatchObject([{ name: 'add_nickname' }])
  })

  it('L asks for a decision where a column may have been renamed: exit 3, nothing written', async () => {
    await editModels('nickname: text()', 'alias: text()')
    const before = await coreMigrations()
    const { code, stdout, stderr } = await run('migrate generate core --name rename_nickname')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain('--rename users.nickname=alias')
    expect(await coreMigrations()).toEqual(before)

    const rename = 'migrate generate core --name rename_nickname --rename users.nickname=alias --json'
    const { path } = json(await run(rename))
    expect(await readFile(path, 'utf8')).toMatch(
      /RENAME COLUMN "nickname" TO "alias"[\s\S]*RENAME COLUMN "alias"/,
    )
    const { applied } = json(await run('migrate up core --json'))
    expect(applied).toMatchObject([{ name: 'rename_nickname' }])
  })

  it.each([
    '--name Add-Notes',
    '--name ../notes',
    `--name ${'a'.repeat(101)}`,
    '--name x --rename users.nothing=something',
    '--name x --rename users',
    '--name x --drop users.nothing',
    '',
  ])('refuses a wrong call: exit 2, nothing written: %s', async (flags) => {
    const before = await coreMigrations()
    const { code, stdout } = await run(`migrate generate core ${flags}`.trim())
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(await coreMigrations()).toEqual(before)
  })

  it('takes a drop by flag, warns of it, and has nothing to say the second time', async () => {
    await editModels('alias: text()', 'handle: text()')
    const { code, stdout, stderr } = await run('migrate generate core --name drop_alias --drop users.alias')
    expect(code).toBe(0)
    expect(stderr).toMatch(/_drop_alias[.]sql:2: drop-column\n {2}ALTER TABLE "users" DROP COLUMN "alias"\n/)
    const path = stdout.trim()
    expect(await readFile(path, 'utf8')).toMatch(
      /DROP COLUMN "alias";\n\n.*ADD COLUMN "handle"[\s\S]*migrate:down[\s\S]*ADD COLUMN "alias"/,
    )
    const before = await coreMigrations()
    const again = await run('migrate generate core --name again')
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing was written') })
    expect(await coreMigrations()).toEqual(before)
  })

  it('lints what was written, by tree, name or path: exit 3, until a comment gives the reason', async () => {
    const found = await run('migrate lint --json')
    const { findings } = json(found, 3)
    const codes = findings.map(({ code }: { code: string }) => code)
    expect(codes).toEqual(['rename-column', 'drop-column'])
    const name = Object.keys(await coreMigrations()).find((one) => one.endsWith('_drop_alias.sql')) ?? ''
    const path = join(project, 'migrations', 'core', name)
    for (const which of [name, `core ${name}`, path]) {
      const { code, stdout } = await run(`migrate lint ${which}`)
      expect({ code, which }).toEqual({ code: 3, which })
      expect(stdout).toMatch(/_drop_alias[.]sql:2: drop-column\n[\s\S]*files: 1, findings: 1, allowed/)
    }
    expect((await run('migrate lint tenant')).code).toBe(0)
    for (const which of [`tenant ${name}`, 'nothing.sql']) {
      expect(await run(`migrate lint ${which}`)).toMatchObject({ code: 2, stdout: '' })
    }
    const text = await readFile(path, 'utf8')
    const comment = '-- lint: allow drop-column because nothing reads it\n'
    await writeFile(path, text.replace('ALTER TABLE', `${comment}ALTER TABLE`))
    const { findings: left, allowed } = json(await run(`migrate lint ${name} --json`))
    expect(left).toEqual([])
    expect(allowed).toMatchObject([{ code: 'drop-column', reason: 'nothing reads it' }])
  })
})
