import { rule } from '../rule.ts'

/** Indexes and views that are built under a lock. */
export const INDEX_RULES = [
  rule({
    code: 'create-index',
    on: ['create-index'],
    when: ({ isConcurrent, isOnly }) => !isConcurrent && !isOnly,
    why: 'Nobody may write to the table until the index is built.',
    better: ({ table, name = '…' }) =>
      `In a file of its own with "-- migrate:up transaction:false": CREATE INDEX CONCURRENTLY IF NOT EXISTS ${name} ON ${table} (…);`,
  }),
  rule({
    code: 'drop-index',
    on: ['drop-index'],
    when: ({ isConcurrent }) => !isConcurrent,
    why: 'It waits for every query on the table, and all queries after it wait for it.',
    better: ({ index }) =>
      `In a file of its own with transaction:false: DROP INDEX CONCURRENTLY IF EXISTS ${index};`,
  }),
  rule({
    code: 'reindex',
    on: ['reindex'],
    when: ({ isConcurrent }) => !isConcurrent,
    why: 'Nobody may write to the table, nor read with the index, until it is built.',
    better: 'In a file of its own with transaction:false: REINDEX INDEX CONCURRENTLY …;',
  }),
  rule({
    code: 'refresh-view',
    on: ['refresh'],
    when: ({ isConcurrent }) => !isConcurrent,
    why: 'Nobody may read the view until it is computed.',
    better: ({ table }) =>
      `Give the view a unique index, and REFRESH MATERIALIZED VIEW CONCURRENTLY ${table};`,
  }),
]
