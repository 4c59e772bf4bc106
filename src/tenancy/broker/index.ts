export { ConnectionBroker } from './broker.ts'
export { CircuitBreaker } from './circuit-breaker.ts'
export type { BrokerOptions, BrokerStats, Destination } from './options.ts'
