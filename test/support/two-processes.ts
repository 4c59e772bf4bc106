import type { ApiClient } from './api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from './checked-platform.ts'

/** Two processes on one core database. */
export interface TwoProcesses {
  readonly one: CheckedPlatform
  readonly other: CheckedPlatform
  /** Callers take turns between the two. */
  apiOf(caller: number): ApiClient
  /** How many events of a name were published, by whichever process, with such a value in a field of their payload. */
  countEvents(name: CountedEvent, field: string, value: unknown): Promise<number>
  close(): Promise<void>
}

const COUNTED = [
  'user.registered',
  'tenant_user.registered',
  'tenant_user.updated',
  'organization.created',
  'session.ended',
  'session.reuse_detected',
] as const
type CountedEvent = (typeof COUNTED)[number]

/** @param options of both; the databases and the identity are made by the first */
export async function startTwoProcesses({
  ownTemplate = false,
  env = {},
}: {
  readonly ownTemplate?: boolean
  readonly env?: Readonly<Record<string, string>>
} = {}): Promise<TwoProcesses> {
  const one = await startCheckedPlatform({ env, ownTemplate })
  const other = await startCheckedPlatform({ env, databaseUrl: one.databaseUrl })
  const heard: { readonly name: string; readonly payload: object }[] = []
  for (const { platform } of [one, other])
    for (const name of COUNTED) platform.events.on(name, 'test', (event) => void heard.push(event))
  return {
    one,
    other,
    apiOf: (caller) => (caller % 2 === 0 ? one : other).api,
    countEvents: async (name, field, value) => {
      for (const { platform } of [one, other]) await platform.events.settle()
      return heard.filter((event) => event.name === name && Reflect.get(event.payload, field) === value)
        .length
    },
    close: async () => {
      await other.close()
      await one.close()
    },
  }
}
