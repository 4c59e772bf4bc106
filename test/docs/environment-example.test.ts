import { parseEnv } from 'node:util'
import { expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { read } from './project-files.ts'

const text = read('.env.example')
const documented = parseEnv(text)

/** The names that the configuration asks for, noted by an environment that has none of them. */
function namesThatConfigReads(): string[] {
  const names = new Set<string>()
  const recorder = new Proxy<Record<string, string | undefined>>(
    {},
    {
      get: (_, name) => {
        names.add(String(name))
        return undefined
      },
    },
  )
  loadConfig(recorder)
  return [...names]
}

/** The names that the compose file takes from its surroundings. */
function namesThatComposeReads(): string[] {
  return [...read('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name)
}

it('documents every variable that something reads, and no other', () => {
  const wanted = new Set([...namesThatConfigReads(), ...namesThatComposeReads()])
  expect(Object.keys(documented).sort()).toEqual([...wanted].sort())
})

it('names each variable once', () => {
  const names = [...text.matchAll(/^(\w+)=/gm)].map(([, name]) => name)
  expect(names).toEqual([...new Set(names)])
})

it('shows the defaults', () => {
  expect(loadConfig(documented)).toEqual(loadConfig({}))
})

it('explains every group of variables', () => {
  for (const group of text.trim().split(/\n{2,}/)) expect(group).toMatch(/^# /)
})
