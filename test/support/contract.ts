import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { HttpServer } from '../../src/http/index.ts'

/** One route as the API description has it. */
export interface DocumentedRoute {
  readonly method: string
  /** With parameters as `{name}`. */
  readonly path: string
  /** Names of the security schemes that it asks for. */
  readonly security: readonly string[]
  readonly statuses: readonly number[]
  /** What the caller must be allowed to do in the organization; `undefined` where no role is asked for. */
  readonly permission: string | undefined
}

/** What the server promises at /openapi.json and /problems. */
export interface Contract {
  readonly routes: readonly DocumentedRoute[]
  find(method: string, url: string): DocumentedRoute | undefined
  /** Says what is wrong with the body of an answer; `undefined` when its schema accepts it. */
  complain(route: DocumentedRoute, status: number, body: unknown): string | undefined
  /** Statuses of each kind of problem, one but for few, by the URI of its type. */
  readonly problems: ReadonlyMap<string, readonly number[]>
}

interface Operation {
  readonly 'x-permission'?: string
  readonly security?: readonly Readonly<Record<string, unknown>>[]
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >
}

const DOCUMENT = 'openapi'

/** Reads the contract as a client would. */
export async function readContract(app: HttpServer): Promise<Contract> {
  const document = (await app.inject({ url: '/openapi.json' })).json()
  const operations = new Map<DocumentedRoute, Operation>()
  for (const [path, methods] of Object.entries<Record<string, Operation>>(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const security = (operation.security ?? []).flatMap((requirement) => Object.keys(requirement))
      const statuses = Object.keys(operation.responses).map(Number)
      const permission = operation['x-permission']
      operations.set({ method: method.toUpperCase(), path, security, statuses, permission }, operation)
    }
  }
  const kinds: { type: string; status: number }[] = (await app.inject({ url: '/problems' })).json()
  const routes = [...operations.keys()]
  return {
    routes,
    find: (method, url) => findRoute(routes, method, url),
    complain: createComplaints(document, operations),
    problems: new Map(
      [...Map.groupBy(kinds, ({ type }) => type)].map(([type, same]) => [
        type,
        same.map(({ status }) => status),
      ]),
    ),
  }
}

/** A path without parameters comes before one with. */
function findRoute(
  routes: readonly DocumentedRoute[],
  method: string,
  url: string,
): DocumentedRoute | undefined {
  const [path = ''] = url.split('?', 1)
  const candidates = routes.filter((route) => route.method === method)
  return (
    candidates.find((route) => route.path === path) ??
    candidates.find((route) => new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
  )
}

function createComplaints(
  document: object,
  operations: ReadonlyMap<DocumentedRoute, Operation>,
): Contract['complain'] {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(document, DOCUMENT)
  const compiled = new Map<object, ValidateFunction>()
  return (route, status, body) => {
    const contents = Object.entries(operations.get(route)?.responses[status]?.content ?? {})
    const [mediaType, content] = contents.find(([type]) => type.endsWith('json')) ?? []
    if (mediaType === undefined || content === undefined) return 'no JSON is documented'
    const validate = compiled.get(content) ?? ajv.compile(inDocument(content.schema))
    compiled.set(content, validate)
    return validate(body) ? undefined : ajv.errorsText(validate.errors)
  }
}

/** References inside the document are made to lead there. */
function inDocument(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#', `"$ref":"${DOCUMENT}#`))
}
