import type { Id, SecretBox } from '../../platform/index.ts'

/** What a client secret is sealed for: this organization's client at this provider, and nothing else. */
function contextOf(tenantId: Id, issuer: string, clientId: string): string {
  return `client secret of tenant ${tenantId} for ${clientId} at ${issuer}`
}

interface Client {
  readonly issuer: string
  readonly clientId: string
}

/** Base64. */
export function sealSecret(
  box: SecretBox,
  tenantId: Id,
  { issuer, clientId }: Client,
  secret: string,
): string {
  return box.seal(Buffer.from(secret), contextOf(tenantId, issuer, clientId)).toString('base64')
}

export function openSecret(
  box: SecretBox,
  tenantId: Id,
  { issuer, clientId, sealedSecret }: Client & { readonly sealedSecret: string | null },
): string | undefined {
  if (sealedSecret === null) return undefined
  return box.open(Buffer.from(sealedSecret, 'base64'), contextOf(tenantId, issuer, clientId)).toString()
}
