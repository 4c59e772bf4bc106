import type { MetricGauge } from '../http/index.ts'
import type { Tenancy } from './tenancy.ts'

/** What `/metrics` shows of servers and of the connections to tenant databases. */
export function tenancyGauges({
  connections,
  servers,
}: Pick<Tenancy, 'connections' | 'servers'>): readonly MetricGauge[] {
  return [
    {
      name: 'tenantry_servers_away',
      help: 'PostgreSQL servers that this process uses and that do not answer now.',
      collect: () => servers.used.filter(({ breaker }) => breaker.isOpen).length,
    },
    {
      name: 'tenantry_tenant_connections',
      help: 'Connections to tenant databases that are open now.',
      collect: () => connections().open,
    },
    {
      name: 'tenantry_tenant_connections_in_use',
      help: 'Connections to tenant databases on which something runs now.',
      collect: () => connections().busy,
    },
    {
      name: 'tenantry_tenant_connections_waiting',
      help: 'Callers who wait for a connection to a tenant database now.',
      collect: () => connections().waiting,
    },
  ]
}
