import { type Id, isId } from '../../platform/index.ts'

/** What authenticators know a user by: the 16 bytes of the id, which say nothing about the person. */
export function userHandleOf(userId: Id): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(userId.replaceAll('-', ''), 'hex'))
}

/**
 * The user of a handle; `undefined` for what is none.
 *
 * @param handle base64url
 */
export function userOfHandle(handle: string): Id | undefined {
  const hex = Buffer.from(handle, 'base64url').toString('hex')
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return isId(id) ? id : undefined
}
