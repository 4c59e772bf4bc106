import { type ApiCall, unique } from './api-client.ts'
import type { TestPlatform } from './platform.ts'

export interface MadeKey {
  readonly id: string
  /** As it goes into `Authorization`. */
  readonly key: string
}

/** Makes a key as somebody who may, and who signed in just now. */
export async function makeKey(
  { api }: Pick<TestPlatform, 'api'>,
  manager: ApiCall,
  scopes: readonly string[] = ['profile.read'],
): Promise<MadeKey> {
  const reply = await api.post('/api-keys', { name: unique('key'), scopes }, manager)
  if (reply.status !== 201) throw new Error(`no key: ${reply.status} ${reply.text}`)
  return { id: reply.body.id, key: reply.body.key }
}
