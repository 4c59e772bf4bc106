import type { Server } from 'node:http'
import type { FastifyHttpOptions } from 'fastify'
import { newId } from '../platform/index.ts'
import { FrameworkLog } from './framework-log.ts'
import type { HttpServerOptions } from './options.ts'
import { answerUnroutable, type ShellParts } from './shell.ts'
import type { RefuseSocket } from './socket-errors.ts'
import { AJV_OPTIONS, validationError } from './validation.ts'

/** Says what of Fastify and Node.js differs from their defaults, which have no time-outs and answer in plain JSON. */
export function fastifyOptions(
  parts: ShellParts,
  refuseSocket: RefuseSocket,
  trustProxy: HttpServerOptions['trustProxy'] = false,
): FastifyHttpOptions<Server> {
  const { limits } = parts
  return {
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
      // Node.js would answer a missing Host with an empty 400; we say why.
      requireHostHeader: false,
    },
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.connectionTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxRequestsPerSocket: limits.requestsPerConnection,
    routerOptions: { maxParamLength: limits.pathParameterCharacters },
    trustProxy: typeof trustProxy === 'object' ? [...trustProxy] : trustProxy,
    genReqId: newId,
    logController: new FrameworkLog(parts.log),
    // While closing, requests are served as long as what they need is open; Fastify would answer its own 503.
    return503OnClosing: false,
    ajv: AJV_OPTIONS,
    schemaErrorFormatter: validationError,
    frameworkErrors: (error, request, reply) => answerUnroutable(parts, error, request, reply),
    clientErrorHandler: refuseSocket,
  }
}
