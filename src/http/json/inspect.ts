import type { FieldError } from '../../platform/index.ts'
import { escapePointer } from '../pointer.ts'
import { isCleanText } from './text.ts'

/**
 * Names that mean something to JavaScript objects. Some code somewhere copies objects key by key, and no body of ours
 * has a use for them.
 */
const TREACHEROUS_NAMES = new Set(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])

/** What is wrong with a parsed body: a name that makes it malformed, or a value that breaks a rule. */
export type JsonFault = 'treacherous-name' | FieldError

/**
 * Looks for what the grammar of JSON allows and we do not: treacherous names, forbidden characters, and numbers too
 * large for a double (`1e400`). Gives the first fault, or `undefined`.
 *
 * It calls itself once per level, and the scan before the parser bounds the levels.
 */
export function inspectJson(value: unknown): JsonFault | undefined {
  switch (typeof value) {
    case 'string':
      return isCleanText(value) ? undefined : { pointer: '', code: 'forbidden-character' }
    case 'number':
      return Number.isFinite(value) ? undefined : { pointer: '', code: 'out-of-range' }
    case 'object':
      if (value === null) return undefined
      return Array.isArray(value) ? inspectArray(value) : inspectObject(value as Record<string, unknown>)
  }
  return undefined
}

function inspectArray(elements: readonly unknown[]): JsonFault | undefined {
  for (let index = 0; index < elements.length; index++) {
    const fault = inspectJson(elements[index])
    if (fault) return below(String(index), fault)
  }
  return undefined
}

function inspectObject(members: Readonly<Record<string, unknown>>): JsonFault | undefined {
  for (const name of Object.keys(members)) {
    if (TREACHEROUS_NAMES.has(name)) return 'treacherous-name'
    // The name itself is not repeated to the client: it is what may not be shown.
    if (!isCleanText(name)) return { pointer: '', code: 'forbidden-character' }
    const fault = inspectJson(members[name])
    if (fault) return below(name, fault)
  }
  return undefined
}

function below(name: string, fault: JsonFault): JsonFault {
  if (fault === 'treacherous-name') return fault
  return { pointer: `/${escapePointer(name)}${fault.pointer}`, code: fault.code }
}
