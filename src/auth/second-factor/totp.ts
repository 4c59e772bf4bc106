import { Secret, TOTP } from 'otpauth'

/** RFC 6238 with the values that every authenticator app knows, and that some know alone. */
const PARAMETERS = { algorithm: 'SHA1', digits: 6, period: 30 } as const
/** RFC 4226 section 4: as long as the hash. */
const SECRET_BYTES = 20
/** Steps that a phone's clock may be off to either side. */
const WINDOW = 1

/** The secret that an app and the platform share. */
export function newTotpSecret(): Buffer {
  return Buffer.from(new Secret({ size: SECRET_BYTES }).bytes)
}

/** How people see a secret: for typing, and as what a QR code holds. */
export function presentTotpSecret(
  secret: Buffer,
  { issuer, account }: { issuer: string; account: string },
): { secret: string; uri: string } {
  const shared = sharedSecret(secret)
  const uri = new TOTP({ ...PARAMETERS, issuer, label: account, secret: shared }).toString()
  return { secret: shared.base32, uri }
}

/**
 * Finds the time step that a code belongs to, at most one from now; `undefined` for a wrong code. The library compares
 * each candidate in constant time; which one it was tells something only to who had it.
 *
 * @param code six digits
 */
export function stepOf(secret: Buffer, code: string, now: Date): number | undefined {
  const timestamp = now.getTime()
  const shared = sharedSecret(secret)
  const delta = TOTP.validate({ ...PARAMETERS, secret: shared, token: code, timestamp, window: WINDOW })
  return delta === null ? undefined : TOTP.counter({ period: PARAMETERS.period, timestamp }) + delta
}

function sharedSecret(secret: Buffer): Secret {
  return new Secret({ buffer: new Uint8Array(secret).buffer })
}
