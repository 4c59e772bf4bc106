import { describe, expect, it } from 'vitest'
import { ENTERPRISE, PATCH, USER } from '../../../test/support/scim.ts'
import type { Attributes } from '../resources/read.ts'
import { USER_SCOPE } from '../users/resource.ts'
import { applyPatch } from './apply.ts'
import { readPatch } from './message.ts'

const ADA: Attributes = {
  userName: 'ada',
  name: { familyName: 'Lovelace', givenName: 'Ada' },
  active: true,
  emails: [
    { value: 'ada@example.com', type: 'work', primary: true },
    { value: 'home@example.com', type: 'home' },
  ],
}

const patched = (resource: Attributes, ...operations: readonly unknown[]) =>
  applyPatch(USER_SCOPE, resource, readPatch({ schemas: [PATCH], Operations: operations }))

const emailsAfter = (operation: object) => patched(ADA, operation)['emails']

describe('operations', () => {
  it.each<[string, object, Attributes]>([
    [
      'Entra: capitals and booleans as text',
      { op: 'Replace', path: 'active', value: 'False' },
      { active: false },
    ],
    ['no path', { op: 'replace', value: { active: false, title: 'x' } }, { active: false, title: 'x' }],
    [
      'a dotted name without a path',
      { op: 'Add', value: { 'name.givenName': 'A' } },
      { name: { familyName: 'Lovelace', givenName: 'A' } },
    ],
    [
      'a part',
      { op: 'replace', path: 'name.familyName', value: 'King' },
      { name: { familyName: 'King', givenName: 'Ada' } },
    ],
    [
      'an object keeps its other parts',
      { op: 'replace', path: 'name', value: { familyName: 'King' } },
      { name: { familyName: 'King', givenName: 'Ada' } },
    ],
    [
      'names in whatever case',
      { op: 'add', path: 'NAME.FAMILYNAME', value: 'King' },
      { name: { familyName: 'King', givenName: 'Ada' } },
    ],
    ['the schema in front', { op: 'add', path: `${USER}:title`, value: 'x' }, { title: 'x' }],
    [
      'an extension',
      { op: 'Add', path: `${ENTERPRISE}:department`, value: 'IT' },
      { [ENTERPRISE]: { department: 'IT' } },
    ],
    [
      'an extension without a path',
      { op: 'Add', value: { [`${ENTERPRISE}:department`]: 'IT' } },
      { [ENTERPRISE]: { department: 'IT' } },
    ],
    [
      'an extension as an object',
      { op: 'Add', value: { [ENTERPRISE]: { department: 'IT' } } },
      { [ENTERPRISE]: { department: 'IT' } },
    ],
    [
      'Entra: a manager as text',
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: '42' },
      { [ENTERPRISE]: { manager: { value: '42' } } },
    ],
    [
      'a part of the manager',
      { op: 'Add', path: `${ENTERPRISE}:manager.value`, value: '42' },
      { [ENTERPRISE]: { manager: { value: '42' } } },
    ],
  ])('%s', (_, operation, expected) => {
    expect(patched(ADA, operation)).toEqual({ ...ADA, ...expected })
  })

  it.each<[string, object, unknown]>([
    [
      'a part of the selected',
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'new@example.com' },
      [
        { value: 'new@example.com', type: 'work', primary: true },
        { value: 'home@example.com', type: 'home' },
      ],
    ],
    [
      'what is selected is not there yet',
      { op: 'Add', path: 'emails[type eq "other"].value', value: 'o@example.com' },
      [...(ADA['emails'] as object[]), { type: 'other', value: 'o@example.com' }],
    ],
    [
      'a filter with text for a boolean',
      { op: 'remove', path: 'emails[primary eq "True"]' },
      [{ value: 'home@example.com', type: 'home' }],
    ],
    [
      'dots and colons in a filter',
      { op: 'remove', path: 'emails[value eq "ada@example.com" or value eq "urn:a:b.c"]' },
      [{ value: 'home@example.com', type: 'home' }],
    ],
    [
      'values that go',
      { op: 'Remove', path: 'emails', value: [{ value: 'home@example.com' }] },
      [{ value: 'ada@example.com', type: 'work', primary: true }],
    ],
    ['all', { op: 'remove', path: 'emails' }, undefined],
    [
      'what is there is not added twice',
      { op: 'add', path: 'emails', value: { value: 'home@example.com', type: 'home' } },
      ADA['emails'],
    ],
    [
      'one primary stays',
      { op: 'add', path: 'emails', value: [{ value: 'n@example.com', primary: true }] },
      [
        { value: 'ada@example.com', type: 'work' },
        { value: 'home@example.com', type: 'home' },
        { value: 'n@example.com', primary: true },
      ],
    ],
  ])('of lists: %s', (_, operation, expected) => {
    expect(emailsAfter(operation)).toEqual(expected)
  })

  it('leave what was given as it is', () => {
    const before = structuredClone(ADA)
    patched(
      ADA,
      { op: 'remove', path: 'name.givenName' },
      { op: 'remove', path: 'emails' },
      { op: 'add', path: 'title', value: 'x' },
    )
    expect(ADA).toEqual(before)
  })

  it.each(['password', 'roles', 'id', 'meta.version', 'groups', 'entitlements[value eq "x"]'])(
    'on %s do nothing',
    (path) => expect(patched(ADA, { op: 'add', path, value: 'x' })).toEqual(ADA),
  )
})

describe('O14 hostile paths', () => {
  const TREACHEROUS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']
  const paths = TREACHEROUS.flatMap((name) => [
    name,
    `${name}.polluted`,
    `name.${name}`,
    `name.${name}.polluted`,
    `emails[type eq "work"].${name}`,
    `emails[${name} eq "work"].value`,
    `${name}[value eq "x"].value`,
    `${USER}:${name}`,
    `${ENTERPRISE}:${name}`,
    `${ENTERPRISE}:manager.${name}`,
    `constructor.${name}.polluted`,
  ])

  it.each(paths)('%s is refused, and pollutes nothing', (path) => {
    for (const op of ['add', 'replace', 'remove'])
      expect(() => patched(ADA, { op, path, value: 'x' }), op).toThrow()
    // As a name in a value it is left out, and a filter on it refused.
    try {
      expect(patched(ADA, { op: 'add', value: { [path]: 'x' } })).toEqual(ADA)
    } catch (error) {
      expect(error).toMatchObject({ code: 'scim-invalid-filter' })
    }
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it.each([
    ['an endless text', `emails[value eq "${'\n'.repeat(200)}`],
    ['line breaks', `emails[value eq "${'\n'.repeat(200)}"]`],
    ['brackets', `emails[${'('.repeat(400)}value eq "x"].value`],
    ['not of not', `emails[${'not '.repeat(100)}value eq "x"]`],
    ['dots', `name${'.'.repeat(400)}`],
    ['quotes and dots', `emails[value eq "${'".'.repeat(200)}`],
    ['too long', `emails[value eq "${'x'.repeat(600)}"]`],
    ['empty', '[]'],
    ['nothing before the filter', '[type eq "work"]'],
    ['two filters', 'emails[type eq "work"][type eq "home"]'],
    ['three parts', 'emails.value.value'],
    ['a filter on what is no list', 'name[familyName eq "x"]'],
    ['a filter of a filter', 'emails[emails[type eq "x"]]'],
  ])('%s are refused in no time', (_, path) => {
    const started = performance.now()
    expect(() => patched(ADA, { op: 'replace', path, value: 'x' })).toThrow()
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it.each([
    [undefined],
    [{}],
    [{ schemas: [USER], Operations: [{ op: 'add', path: 'title', value: 'x' }] }],
    [{ schemas: [PATCH], Operations: [] }],
    [{ schemas: [PATCH], Operations: {} }],
    [{ schemas: [PATCH], Operations: [null] }],
    [{ schemas: [PATCH], Operations: [{ op: 'test', path: 'title' }] }],
    [{ schemas: [PATCH], Operations: [{ op: 'remove' }] }],
    [{ schemas: [PATCH], Operations: [{ op: 'add', path: 7, value: 'x' }] }],
  ])('the message %j is refused', (message) => {
    expect(() => readPatch(message)).toThrow()
  })

  it.each([
    ['active', 'maybe'],
    ['active', 1],
    ['title', { a: 1 }],
    ['title', 'x'.repeat(1025)],
    ['name', 'Ada'],
    ['emails', [['a']]],
    [
      'emails',
      [
        { value: 'a', primary: true },
        { value: 'b', primary: true },
      ],
    ],
    ['emails[type eq "work"].value', ['a']],
  ])('%s takes no %j', (path, value) => {
    expect(() => patched(ADA, { op: 'replace', path, value })).toThrow()
  })
})
