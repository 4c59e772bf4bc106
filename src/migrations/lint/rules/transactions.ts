import { rule } from '../rule.ts'

/** What PostgreSQL refuses inside of a transaction: such a file never runs, on no database. */
export const TRANSACTION_RULES = [
  rule({
    code: 'needs-transaction-false',
    on: ['create-index', 'drop-index', 'reindex', 'alone'],
    always: true,
    when: (change, { transaction }) => transaction && (change.kind === 'alone' || change.isConcurrent),
    why: 'PostgreSQL refuses it inside of a transaction, so the file fails on every database.',
    better:
      'Give it a file of its own that begins with "-- migrate:up transaction:false", and the same for "down".',
  }),
]
