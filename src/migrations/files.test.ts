import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MigrationFileError } from './errors.ts'
import { readMigrations } from './files.ts'
import type { MigrationSet } from './migration.ts'

const SELECT = '-- migrate:up\nSELECT 1;\n'

async function read(files: Readonly<Record<string, string | Uint8Array>>): Promise<MigrationSet> {
  const directory = await mkdtemp(join(tmpdir(), 'migrations-'))
  try {
    await Promise.all(
      Object.entries(files).map(([name, content]) => writeFile(join(directory, name), content)),
    )
    return await readMigrations(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

describe('readMigrations', () => {
  it('F1: sorts the files and knows the newest', async () => {
    const set = await read({
      '20260301000000_c.sql': SELECT,
      '20260101000000_a.sql': SELECT,
      '20260201000000_b.sql': SELECT,
    })
    expect(set.files.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(set.latest).toBe('20260301000000')
  })

  it('F2: leaves the dump, the snapshot, drafts and other files alone', async () => {
    const others = {
      'schema.sql': 'x',
      'snapshot.json': '{}',
      'README.md': '',
      '.20260101000000_a.sql.swp': '',
      '.x.sql': '',
    }
    expect(await read(others)).toMatchObject({ files: [], latest: undefined })
  })

  it('F3: the checksum of a set changes with every text, name and file, and with nothing else', async () => {
    const one = { '20260101000000_a.sql': SELECT }
    const { checksum } = await read(one)
    expect(checksum).toMatch(/^[0-9a-f]{64}$/)
    expect(await read({ '20260101000000_a.sql': SELECT.replaceAll('\n', '\r\n') })).toMatchObject({
      checksum,
    })
    for (const other of [
      { '20260101000000_a.sql': `${SELECT} ` },
      { '20260101000000_b.sql': SELECT },
      { ...one, '20260201000000_b.sql': SELECT },
      {},
    ]) {
      expect((await read(other)).checksum).not.toBe(checksum)
    }
  })

  it('F4: reports every problem of every file at once', async () => {
    const reading = read({
      '20260101000000_a.sql': SELECT,
      '20260101000000_b.sql': SELECT,
      '20260102000000_c.sql': '-- migrate:up\n',
      'notes.sql': SELECT,
      '20260103000000_d.sql': Buffer.from([0x2d, 0x2d, 0xff]),
    })
    await expect(reading).rejects.toBeInstanceOf(MigrationFileError)
    const lines = await reading.catch((error: Error) => error.message.split('\n').sort())
    expect(lines).toEqual([
      '20260101000000_b.sql:1: 20260101000000_a.sql has the same version 20260101000000',
      '20260102000000_c.sql:1: there is no statement after "-- migrate:up"',
      '20260103000000_d.sql:1: the file is not UTF-8',
      'notes.sql:1: the file must be called YYYYMMDDHHMMSS_name.sql, the name of a-z, 0-9 and _',
    ])
  })

  it('F5: a missing directory is an error', async () => {
    await expect(readMigrations('/nowhere/at/all')).rejects.toThrow('ENOENT')
  })
})
