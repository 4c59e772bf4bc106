import { describe, expect, expectTypeOf, it } from 'vitest'
import { auditCatalogue } from './catalogue.ts'

const noteAudit = auditCatalogue({
  'note.shared': { readers: 'number', is_public: 'flag', by: 'word', fields: 'words' },
  'note.lost': {},
})

const actor = { kind: 'system' } as const

/** What a catalogue keeps of details that came from somewhere without types. */
function kept(details: object): unknown {
  return noteAudit('note.shared', { actor, details }).details
}

describe('a catalogue of actions', () => {
  it('makes entries of its own actions, with their own details', () => {
    const details = { readers: 3, is_public: true, by: 'link', fields: ['title', 'text'] }
    expect(noteAudit('note.shared', { actor, details })).toMatchObject({
      action: 'note.shared',
      actor,
      details,
    })
    expect(noteAudit('note.lost', { actor }).details).toEqual({})
    expectTypeOf(noteAudit).parameter(0).toEqualTypeOf<'note.shared' | 'note.lost'>()
    // @ts-expect-error no feature records what it did not declare
    noteAudit('note.burnt', { actor })
    // @ts-expect-error nor a detail that its action does not list
    noteAudit('note.lost', { actor, details: { readers: 3 } })
    // @ts-expect-error nor one of another kind
    noteAudit('note.shared', { actor, details: { readers: 'three' } })
  })

  it('O16 M17 leaves out what an action does not list', () => {
    const whole = {
      readers: 1,
      password: 'secret',
      body: { token: 'trt_' },
      constructor: 'x',
      __proto__: { by: 'x' },
    }
    expect(kept(whole)).toEqual({ readers: 1 })
  })

  it.each([
    ['a number', { readers: Number.NaN }],
    ['a number', { readers: '3' }],
    ['a flag', { is_public: 'yes' }],
    ['a word', { by: 'two words' }],
    ['a word', { by: 'x'.repeat(65) }],
    ['a word', { by: 'Bearer eyJ' }],
    ['a word', { by: { body: 'whole' } }],
    ['words', { fields: ['title', 'a whole sentence'] }],
    ['words', { fields: Array.from({ length: 33 }, () => 'title') }],
    ['words', { fields: 'title' }],
  ])('O16 M17 leaves out what is not %s though it should be: %j', (_, details) => {
    expect(kept(details)).toEqual({})
  })
})
