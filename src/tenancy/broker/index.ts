export { CircuitBreaker } from './circuit-breaker.ts'
export { type BrokerOptions, ConnectionBroker, type Destination } from './connection-broker.ts'
