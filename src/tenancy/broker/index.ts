export { ConnectionBroker } from './connection-broker.ts'
export class CircuitBreaker {
  readonly isOpen: boolean = false
  run<T>(work: () => Promise<T>): Promise<T> {
    return work()
  }
}
