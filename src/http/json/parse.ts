import { isUtf8 } from 'node:buffer'
import { httpErrors } from '../errors.ts'
import { boundPointer } from '../pointer.ts'
import { inspectJson } from './inspect.ts'
import { scanJson } from './scan.ts'

/**
 * Reads a JSON body, strictly: UTF-8 without a byte order mark (RFC 8259, section 8.1), nesting of at most 32, at most
 * 10,000 members, no names such as `__proto__`, no control characters, no number beyond a double. Takes linear time.
 *
 * @throws malformed-request, payload-too-large (too many members) or validation-failed with the place
 */
export function parseJson(body: Buffer): unknown {
  const size = scanJson(body)
  if (size === 'too-deep') throw httpErrors.malformedRequest()
  if (size === 'too-many') throw httpErrors.payloadTooLarge()
  const value = parseText(body)
  const fault = inspectJson(value)
  if (fault === undefined) return value
  if (fault === 'treacherous-name') throw httpErrors.malformedRequest()
  throw httpErrors.validationFailed({ errors: [{ ...fault, pointer: boundPointer(fault.pointer) }] })
}

function parseText(body: Buffer): unknown {
  // A byte order mark needs no check: it decodes to U+FEFF, which is no JSON whitespace.
  if (!isUtf8(body)) throw httpErrors.malformedRequest()
  try {
    return JSON.parse(body.toString())
  } catch {
    // The parser's message quotes the body, so it goes nowhere.
    throw httpErrors.malformedRequest()
  }
}
