import { type Clock, currentContext, type Id, type Logger, newId, runInContext } from '../platform/index.ts'

/** Event names and what each tells; every feature declares its own in `<feature>/events.ts`. */
export type EventCatalogue = object

/** One thing that happened. */
export interface AppEvent<Name extends string = string, Payload = unknown> {
  readonly id: Id
  readonly name: Name
  /** RFC 3339, UTC. */
  readonly occurredAt: string
  /** In whose database it happened; absent for what happened in the core database. */
  readonly tenantId?: Id
  readonly payload: Payload
}

export type EventHandler<Event extends AppEvent> = (event: Event) => Promise<void> | void

/** What a feature gets: it can tell, not listen. */
export interface Publisher<Catalogue extends EventCatalogue> {
  /**
   * Tells of something that is committed. Handlers run afterwards, apart from the request.
   *
   * @param tenantId in whose database it happened
   */
  publish<Name extends keyof Catalogue & string>(name: Name, payload: Catalogue[Name], tenantId?: Id): void
}

interface Registration {
  readonly label: string
  readonly handle: EventHandler<AppEvent>
}

/**
 * Hands events to the handlers that were registered for them. A handler that fails is logged with its event and hinders
 * neither the request nor the other handlers.
 */
export class EventEmitter<Catalogue extends EventCatalogue> implements Publisher<Catalogue> {
  readonly #handlers = new Map<string, Registration[]>()
  readonly #running = new Set<Promise<void>>()
  readonly #clock: Clock
  readonly #log: Logger

  constructor(options: { readonly clock: Clock; readonly log: Logger }) {
    this.#clock = options.clock
    this.#log = options.log
  }

  /** @param label names the handler in the log */
  on<Name extends keyof Catalogue & string>(
    name: Name,
    label: string,
    handle: EventHandler<AppEvent<Name, Catalogue[Name]>>,
  ): void {
    const registered = this.#handlers.get(name) ?? []
    // Under this name nothing but this payload is ever published.
    registered.push({ label, handle: handle as EventHandler<AppEvent> })
    this.#handlers.set(name, registered)
  }

  publish<Name extends keyof Catalogue & string>(name: Name, payload: Catalogue[Name], tenantId?: Id): void {
    const event: AppEvent = Object.freeze({
      id: newId(),
      name,
      occurredAt: this.#clock.now().toISOString(),
      ...(tenantId !== undefined && { tenantId }),
      payload,
    })
    for (const registration of this.#handlers.get(name) ?? []) this.#start(registration, event)
  }

  /** Waits for the handlers that run now: at shutdown, and in tests. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #start(registration: Registration, event: AppEvent): void {
    const { request_id } = currentContext()
    const context = {
      ...(request_id !== undefined && { request_id }),
      ...(event.tenantId !== undefined && { tenant_id: event.tenantId }),
    }
    const running = runInContext(context, () => this.#handle(registration, event)).finally(() =>
      this.#running.delete(running),
    )
    this.#running.add(running)
  }

  async #handle({ label, handle }: Registration, event: AppEvent): Promise<void> {
    try {
      // Not in the publisher's turn: a handler that works long would delay its answer.
      await Promise.resolve()
      await handle(event)
    } catch (error) {
      this.#log.error({ err: error, event, handler: label }, 'an event handler failed')
    }
  }
}
