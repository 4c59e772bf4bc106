import { type Static, Type } from 'typebox'
import { Exactly, httpErrors, Id, Nullable, PageQuery, pageOf, Timestamp } from '../http/index.ts'
import type { AuditFilter, AuditRow } from './store.ts'
import { ACTOR_KINDS, OUTCOMES } from './tables.ts'

/** A year that PostgreSQL and ids know how to write. */
const Moment = Type.String({ format: 'date-time', pattern: '^[12][0-9]{3}-', maxLength: 40 })

const FILTER = {
  action: Type.Optional(
    Type.String({
      pattern: '^[a-z_.]+$',
      maxLength: 64,
      description: 'What the action begins with: `session.` for all that becomes of sessions.',
    }),
  ),
  actor: Type.Optional(Id),
  target: Type.Optional(Type.String({ pattern: '^[!-~]+$', maxLength: 64, description: 'Its id.' })),
  since: Type.Optional({ ...Moment, description: 'From this moment on; RFC 3339.' }),
  until: Type.Optional({ ...Moment, description: 'Before this moment; RFC 3339.' }),
}

export const ListQuery = Exactly({ ...FILTER, ...PageQuery })
export const ExportQuery = Exactly(FILTER)

export const AuditEntryBody = Exactly(
  {
    id: Id,
    occurred_at: Timestamp,
    action: Type.String(),
    actor: Exactly({
      kind: Type.Enum([...ACTOR_KINDS]),
      id: Nullable(Id),
      acted_by: Nullable(Type.String({ ...Id, description: 'Who acted under the actor’s name.' })),
    }),
    target: Exactly({ kind: Nullable(Type.String()), id: Nullable(Type.String()) }),
    outcome: Type.Enum([...OUTCOMES]),
    network: Nullable(Type.String({ description: 'The /24 or /48 that the request came from.' })),
    request_id: Nullable(Type.String()),
    details: Type.Unsafe<Readonly<Record<string, unknown>>>({
      type: 'object',
      additionalProperties: true,
      description: 'What else there is to say; which fields there are depends on the action.',
    }),
  },
  { $id: 'AuditEntry' },
)
export type AuditEntryBody = Static<typeof AuditEntryBody>

export const AuditPage = pageOf(AuditEntryBody, 'AuditPage')

/** An entry as the API shows it, and as it is exported. */
export function presentEntry(row: AuditRow): AuditEntryBody {
  return {
    id: row.id,
    occurred_at: row.occurredAt.toISOString(),
    action: row.action,
    actor: { kind: row.actorKind, id: row.actorId, acted_by: row.actedBy },
    target: { kind: row.targetKind, id: row.targetId },
    outcome: row.outcome,
    network: row.network,
    request_id: row.requestId,
    details: row.details,
  }
}

/**
 * A query as the store takes it.
 *
 * @throws httpErrors.validationFailed for a moment that is none, such as a leap second
 */
export function readFilter({ since, until, ...rest }: Static<typeof ExportQuery>): AuditFilter {
  return {
    action: rest.action,
    actor: rest.actor,
    target: rest.target,
    since: readMoment('since', since),
    until: readMoment('until', until),
  }
}

function readMoment(name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const moment = new Date(text)
  if (!Number.isNaN(moment.getTime())) return moment
  throw httpErrors.validationFailed({ errors: [{ pointer: `#/query/${name}`, code: 'invalid-format' }] })
}
