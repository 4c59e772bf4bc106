import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import type { Logger } from '../platform/index.ts'

/**
 * What the framework says by itself. Its lines per request are ours to write, once and without an allocation before; its
 * complaints about answers that broke off are kept, without the whole request and reply that it would log.
 */
export class FrameworkLog extends LogController {
  readonly #log: Logger

  constructor(log: Logger) {
    super({ disableRequestLogging: true })
    this.#log = log
  }

  override incomingRequest(): void {}

  override requestCompleted(): void {}

  override streamError(error: Error, request: FastifyRequest): void {
    this.#log.warn({ request_id: request.id, err: error }, 'answer broken off')
  }

  override writeHeadError(error: Error, request: FastifyRequest): void {
    this.#log.error({ request_id: request.id, err: error }, 'answer headers refused')
  }

  override serializerError(error: Error, request: FastifyRequest, _reply: FastifyReply): void {
    this.#log.error({ request_id: request.id, err: error }, 'answer not serialized')
  }
}
