import { TEST_SECRET } from './platform.ts'

/** The limits of production, and clients that may say where they are. */
export const PRODUCTION_LIMITS = {
  NODE_ENV: 'production',
  RATE_LIMITS: 'on',
  TENANTRY_SECRET: TEST_SECRET,
  SPARE_DATABASES: '0',
  TRUSTED_PROXIES: '127.0.0.1',
}

/** As a proxy says it. */
export function from(address: string): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { 'x-forwarded-for': address } }
}

let networks = 0

/** A client in a network that no other caller has. */
export function fromElsewhere(): ReturnType<typeof from> {
  networks++
  return from(`2001:db8:${(networks >> 16).toString(16)}:${(networks & 0xffff).toString(16)}::1`)
}
