import type pg from 'pg'
import { tenantFault } from '../errors.ts'
import { Waiter } from './waiter.ts'

/** A connection that one caller has to himself. */
export interface Lease {
  readonly client: pg.Client
  /**
   * Ends it.
   *
   * @param error what the caller's work threw, if it did
   */
  takeBack(error: unknown): void
}

/** A caller who wants a connection to himself. */
export class LeaseRequest extends Waiter {
  readonly admit: (lease: Lease) => void

  constructor(admit: (lease: Lease) => void, reject: (error: unknown) => void) {
    super(true, reject)
    this.admit = admit
  }
}

/** Lets `work` use a lease, and ends it. Throws what `work` throws, in a tenant's terms. */
export async function useLease<T>(lease: Lease, work: (client: pg.Client) => Promise<T>): Promise<T> {
  let thrown: unknown
  try {
    return await work(lease.client)
  } catch (error) {
    thrown = error
    throw tenantFault(error)
  } finally {
    lease.takeBack(thrown)
  }
}
