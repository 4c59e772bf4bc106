/** Longest pointer that is sent back; a client's own names can be as long as its body. */
const MAX_POINTER = 200

/** Writes one name as part of a JSON Pointer (RFC 6901, section 3). */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Shortens a pointer to the nearest parent that is of reasonable length. */
export function boundPointer(pointer: string): string {
  if (pointer.length <= MAX_POINTER) return pointer
  const cut = pointer.slice(0, MAX_POINTER + 1)
  return cut.slice(0, cut.lastIndexOf('/'))
}
