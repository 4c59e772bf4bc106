/** What a browser gives of a passkey that was made; binary parts are base64url. */
export interface Creation {
  readonly id: string
  readonly rawId: string
  readonly clientDataJson: string
  readonly attestationObject: string
  readonly transports: readonly string[]
}

/** What a browser gives of a passkey that signed; binary parts are base64url. */
export interface Assertion {
  readonly id: string
  readonly rawId: string
  readonly clientDataJson: string
  readonly authenticatorData: string
  readonly signature: string
  /** Whose it is, as the authenticator says; `undefined` where it does not. */
  readonly userHandle: string | undefined
}
