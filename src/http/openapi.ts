import { STATUS_CODES } from 'node:http'
import swagger from '@fastify/swagger'
import type { FastifySchema, RouteOptions } from 'fastify'
import type { TSchema } from 'typebox'
import type { ErrorDefinition } from '../platform/index.ts'
import { type ErrorFormat, type ErrorFormatOf, PROBLEM_FORMAT } from './error-format.ts'
import { httpErrors } from './errors.ts'
import { guardsOf } from './guard.ts'
import { hoistNamedSchemas, markNamedSchemas } from './named-schemas.ts'
import { documentedBy, type ResponseHeaders, type SuccessResponses } from './responses.ts'
import type { HttpServer } from './server-type.ts'

/** A kind of token, and how a reader of the description gets one. */
export interface BearerScheme {
  readonly type: 'http'
  readonly scheme: 'bearer'
  readonly bearerFormat?: string
  readonly description: string
}

/** A header that goes with a token, so that one dialog of the docs pages sets both. */
export interface HeaderScheme {
  readonly type: 'apiKey'
  readonly in: 'header'
  /** The header's name. */
  readonly name: string
  readonly description: string
}

/** What the caller adds to the description of the API. */
export interface ApiDescription {
  readonly title: string
  readonly description: string
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  /** By the names that guards use in their `security`. */
  readonly securitySchemes: Readonly<Record<string, BearerScheme | HeaderScheme>>
}

/** What any route may answer, so that no route has to list it. */
const ALWAYS = [
  httpErrors.malformedRequest,
  httpErrors.notAcceptable,
  httpErrors.requestTimeout,
  httpErrors.payloadTooLarge,
  httpErrors.uriTooLong,
  httpErrors.unsupportedMediaType,
  httpErrors.headersTooLarge,
  httpErrors.internalError,
  httpErrors.overloaded,
  httpErrors.shuttingDown,
  httpErrors.databaseUnavailable,
].map(({ definition }) => definition)

const RETRY_AFTER = { type: 'integer', description: 'Seconds until the next try makes sense.' }

interface ErrorFormats {
  readonly errorFormats: readonly ErrorFormat[]
  readonly formatOf: ErrorFormatOf
}

/** Describes all routes as OpenAPI 3.1, from the schemas that also validate and serialize them. */
export async function describeApi(
  server: HttpServer,
  { title, description, tags, securitySchemes, errorFormats, formatOf }: ApiDescription & ErrorFormats,
  version: string,
  publicUrl: string,
): Promise<void> {
  for (const { schema } of [PROBLEM_FORMAT, ...errorFormats]) server.addSchema(schema)
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title,
        description,
        version,
        license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' },
      },
      servers: [{ url: publicUrl }],
      tags: tags.map((tag) => ({ ...tag })),
      components: { securitySchemes: { ...securitySchemes } },
    },
    stripBasePath: false,
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (schema) => String(schema['$id']) },
    transform: ({ schema, url, route }) => ({
      schema: describeRoute(schema ?? {}, route, formatOf(url)),
      url,
    }),
    transformObject: (document) =>
      'openapiObject' in document ? hoistNamedSchemas(document.openapiObject) : {},
  })
}

/** Adds to a route's schema what its guard and the shell may answer. */
function describeRoute(schema: FastifySchema, route: RouteOptions, format: ErrorFormat): FastifySchema {
  const guards = guardsOf(route.onRequest)
  const documented = documentedBy(schema.response)
  const errors = [
    ...ALWAYS,
    ...(route.config?.rateLimit === false ? [] : [httpErrors.rateLimited.definition]),
    ...(isValidated(schema) ? [httpErrors.validationFailed.definition] : []),
    ...guards.flatMap((guard) => guard.errors),
    ...documented.errors,
  ]
  const permission = guards.find((guard) => guard.permission !== undefined)?.permission
  return {
    ...schema,
    ...(permission !== undefined && { 'x-permission': permission }),
    security: guards.flatMap((guard) => guard.security),
    response: {
      ...describeSuccess((schema.response ?? {}) as SuccessResponses, documented.headers, schema.produces),
      ...describeProblems(errors, format),
    },
    ...(schema.body !== undefined && { body: markNamedSchemas(schema.body) }),
  }
}

function isValidated({ body, params, querystring, headers }: FastifySchema): boolean {
  return [body, params, querystring, headers].some((part) => part !== undefined)
}

function describeSuccess(
  success: SuccessResponses,
  headers: ResponseHeaders,
  produces: readonly string[] = ['application/json'],
): object {
  return mapValues(success, (schema, status) => ({
    description: 'description' in schema ? schema.description : STATUS_CODES[status],
    ...(Object.keys(headers).length > 0 && { headers }),
    // An answer without a body has no media type either; the library asks for it in this way.
    ...(isNothing(schema)
      ? { type: 'null' }
      : {
          content: Object.fromEntries(produces.map((type) => [type, { schema: markNamedSchemas(schema) }])),
        }),
  }))
}

function isNothing(schema: TSchema): boolean {
  return 'type' in schema && schema.type === 'null'
}

function describeProblems(errors: readonly ErrorDefinition[], format: ErrorFormat): object {
  const { mediaType, schemaId, statusOf } = format
  const byStatus = Object.groupBy(new Set(errors), ({ status }) => statusOf(status))
  return mapValues(byStatus, (kinds = []) => ({
    description: kinds.map(({ code, detail }) => `\`${code}\`: ${detail}`).join('\n\n'),
    ...(kinds.some(saysWhen) && { headers: { 'Retry-After': RETRY_AFTER } }),
    content: { [mediaType]: { schema: { $ref: `${schemaId}#` } } },
  }))
}

function saysWhen({ retryAfter, status }: ErrorDefinition): boolean {
  return retryAfter !== undefined || status === 429
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value, key: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]))
}
