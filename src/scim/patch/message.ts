import { scimErrors } from '../errors.ts'
import { SCIM_LIMITS } from '../limits.ts'
import { isObject, requireObject } from '../resources/read.ts'
import { URN } from '../urns.ts'

/** One operation of RFC 7644, section 3.5.2. */
export interface Operation {
  readonly op: 'add' | 'replace' | 'remove'
  /** As the client wrote it; absent, the value's names say what is meant. */
  readonly path: string | undefined
  readonly value: unknown
}

const OPERATIONS = ['add', 'replace', 'remove'] as const

/**
 * Reads the operations of a PATCH. Their names may be capitalized, as Entra does.
 *
 * @throws scimErrors.invalidSyntax, noTarget, tooMany
 */
export function readPatch(body: unknown): readonly Operation[] {
  const message = requireObject(body)
  const { schemas } = message
  if (!Array.isArray(schemas) || !schemas.includes(URN.patch))
    throw scimErrors.invalidSyntax({ detail: `A PATCH has the schema ${URN.patch}.` })
  const operations = message['Operations'] ?? message['operations']
  if (!Array.isArray(operations) || operations.length === 0)
    throw scimErrors.invalidSyntax({ detail: 'A PATCH has a list of Operations.' })
  if (operations.length > SCIM_LIMITS.operations) throw scimErrors.tooMany()
  return operations.map(readOperation)
}

function readOperation(given: unknown): Operation {
  if (!isObject(given)) throw scimErrors.invalidSyntax()
  const { op: name, path, value } = given
  const op = OPERATIONS.find((one) => typeof name === 'string' && one === name.toLowerCase())
  if (!op) throw scimErrors.invalidSyntax({ detail: 'An operation is add, replace or remove.' })
  if (path !== undefined && path !== null && typeof path !== 'string') throw scimErrors.invalidPath()
  const isWhole = path === undefined || path === null || path === ''
  if (isWhole && op === 'remove') throw scimErrors.noTarget({ detail: 'To remove something takes a path.' })
  return { op, path: isWhole ? undefined : path, value }
}
