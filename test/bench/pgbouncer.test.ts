import { describe, expect, it } from 'vitest'
import { pgBouncerConfig } from '../../bench/support/pgbouncer.ts'

describe('pgBouncerConfig', () => {
  it('gives PgBouncer the connections that the product has, in all and for one tenant', () => {
    const limits = { port: 6432, connections: 20, perTenant: 4 }
    const config = pgBouncerConfig('postgres://role:secret@127.0.0.1:5433/core', limits).split('\n')
    expect(config).toContain('* = host=127.0.0.1 port=5433')
    expect(config).toContain('listen_port = 6432')
    expect(config).toContain('max_user_connections = 20')
    expect(config).toContain('default_pool_size = 4')
    expect(config.join()).not.toContain('secret')
  })
})
