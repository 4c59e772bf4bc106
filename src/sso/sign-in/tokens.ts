import { createHmac } from 'node:crypto'
import { type OpaqueTokens, opaqueTokens } from '../../auth/index.ts'
import { type Id, isId } from '../../platform/index.ts'

/** A token that says which organization's it is, so that nobody has to be asked, and it is worth nothing at another one. */
export interface TenantTokens {
  make(tenantId: Id): string
  /** `undefined` for what is none of this kind. */
  read(text: string): { readonly tenantId: Id; readonly hash: string } | undefined
}

const ID_LENGTH = 36

function tenantTokens(secrets: OpaqueTokens): TenantTokens {
  return {
    make: (tenantId) => `${tenantId}.${secrets.make()}`,
    read: (text) => {
      const tenantId = text.slice(0, ID_LENGTH)
      const secret = text.slice(ID_LENGTH + 1)
      const isOne = isId(tenantId) && text[ID_LENGTH] === '.' && secrets.looksLike(secret)
      return isOne ? { tenantId, hash: secrets.hash(text) } : undefined
    },
  }
}

/** What travels through the provider. */
export const states = tenantTokens(opaqueTokens('trs_'))

/** What stays with the client that began, so that nobody else ends it. */
export const attempts = tenantTokens(opaqueTokens('tra_'))

/** What the browser brings back to the client. */
export const codes = opaqueTokens('trc_')

/** What else an attempt needs, derived so that nothing of it is stored. */
export interface AttemptSecrets {
  readonly nonce: string
  /** PKCE (RFC 7636): 43 characters. */
  readonly verifier: string
}

/** @param key of this program alone: whoever reads the state on its way has nothing */
export function secretsOf(key: Buffer, state: string): AttemptSecrets {
  const derive = (use: string) => createHmac('sha256', key).update(`${use} ${state}`).digest('base64url')
  return { nonce: derive('nonce'), verifier: derive('verifier') }
}
