export { ConnectionBroker } from './broker.ts'
export { CircuitBreaker } from './circuit-breaker.ts'
export { type BrokerOptions, type BrokerStats, type Destination, sumOfStats } from './options.ts'
