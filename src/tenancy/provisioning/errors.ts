/** No server may take one more tenant: all of them are full or draining. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError'

  constructor() {
    super('No server may take one more tenant. Add one: tenantry servers add')
  }
}
