import { type Id, newId } from '../platform/index.ts'

const TAIL_DIGITS = 12

let last: Id = ''

/** An id after all that this process gave before, so that what was recorded later comes later, also within a millisecond. */
export function nextEntryId(): Id {
  const fresh = newId()
  last = fresh > last ? fresh : successorOf(last)
  return last
}

/** Its tail is 48 bits, of which the first one seldom begins near the end. */
function successorOf(id: Id): Id {
  const tail = (Number.parseInt(id.slice(-TAIL_DIGITS), 16) + 1).toString(16)
  return id.slice(0, -TAIL_DIGITS) + tail.padStart(TAIL_DIGITS, '0').slice(-TAIL_DIGITS)
}
