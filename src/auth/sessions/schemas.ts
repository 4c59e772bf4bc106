import { type Static, Type } from 'typebox'
import { Exactly, Id, Nullable, Timestamp } from '../../http/index.ts'
import type { Id as AnyId } from '../../platform/index.ts'
import type { LiveSession } from './store.ts'

export const SessionBody = Exactly(
  {
    id: Id,
    created_at: Timestamp,
    last_used_at: Type.String({
      format: 'date-time',
      description: 'The sign-in or the last refresh. RFC 3339, in UTC.',
    }),
    expires_at: Type.String({
      format: 'date-time',
      description: 'When it ends unless it is refreshed. RFC 3339, in UTC.',
    }),
    device: Type.String({ description: 'Browser and system, as “Firefox on Linux”, or “Unknown device”.' }),
    address: Nullable(
      Type.String({ description: 'The network it was last used from: an IPv4 /24 or an IPv6 /48.' }),
    ),
    impersonated_by: Nullable(
      Type.String({ ...Id, description: 'The administrator of the platform whose session it is, as me.' }),
    ),
    is_current: Type.Boolean({ description: 'Whether this is the session that asks.' }),
  },
  { $id: 'Session' },
)

export const SessionParams = Exactly({ id: Id })

export const EndSessionsQuery = Exactly({
  except: Type.Optional(Type.Enum(['current'], { description: 'Lets the session that asks go on.' })),
})

/** A session as the API writes one. */
export function presentSession(session: LiveSession, current: AnyId): Static<typeof SessionBody> {
  return {
    id: session.id,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    device: session.device,
    address: session.address,
    impersonated_by: session.impersonatedBy,
    is_current: session.id === current,
  }
}
