import { decodeProtectedHeader } from 'jose'
import type { TestPlatform } from './platform.ts'

/** The id of the key that signed a token. */
export function kidOf(token: string): string {
  return decodeProtectedHeader(token).kid ?? ''
}

/** The ids of the keys that a process publishes. */
export async function publishedKids({ api }: TestPlatform): Promise<string[]> {
  const { body } = await api.send('GET', '/.well-known/jwks.json', undefined, { faulty: true })
  return body.keys.map(({ kid }: { kid: string }) => kid)
}
