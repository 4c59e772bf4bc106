import { randomBytes } from 'node:crypto'
import type { Id, SecretBox } from '../../platform/index.ts'

/** Makes and keeps the passwords of tenants' login roles. */
export interface CredentialVault {
  /** A new password of 256 random bits. */
  newPassword(): string
  /** @returns the password, encrypted for its tenant alone, with the id of the key: `<key id>.<base64>` */
  seal(tenantId: Id, password: string): string
  /** @throws SealedElsewhereError when it was sealed with another secret, or for another tenant */
  open(tenantId: Id, sealed: string): string
  sealUrl(serverId: Id, url: string): string
  /** @throws SealedElsewhereError */
  openUrl(serverId: Id, sealed: string): string
}

/** The platform's secret is not the one with which this was encrypted. */
export class SealedElsewhereError extends Error {
  override readonly name = 'SealedElsewhereError'
}

const KEY_ID_BYTES = 4

/** AES-256-GCM under the platform's secret; the tenant's id is authenticated with each password. */
export function createCredentialVault(box: SecretBox): CredentialVault {
  const keyId = box.deriveKey('key-id').subarray(0, KEY_ID_BYTES).toString('hex')

  const seal = (context: string, text: string) =>
    `${keyId}.${box.seal(Buffer.from(text), context).toString('base64')}`

  const open = (context: string, sealed: string) => {
    const [usedKeyId, bytes = ''] = sealed.split('.')
    try {
      return box.open(Buffer.from(bytes, 'base64'), context).toString()
    } catch (error) {
      const reason =
        usedKeyId === keyId ? 'was changed or belongs to another' : 'was sealed with another secret'
      throw new SealedElsewhereError(`What the core database keeps for ${context} ${reason}.`, {
        cause: error,
      })
    }
  }

  return {
    newPassword: () => randomBytes(32).toString('base64url'),
    seal: (tenantId, password) => seal(`tenant ${tenantId}`, password),
    open: (tenantId, sealed) => open(`tenant ${tenantId}`, sealed),
    sealUrl: (serverId, url) => seal(`server ${serverId}`, url),
    openUrl: (serverId, sealed) => open(`server ${serverId}`, sealed),
  }
}
