import type { Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

/** How bytes travel. An empty one lets everything pass at once. */
export interface Traffic {
  /** What is sent vanishes, closings too, and nobody is told. A connection that lost bytes never heals. */
  readonly blackHole?: boolean
  /** Connections are reset, new ones as soon as they name their database. */
  readonly refused?: boolean
  /** Milliseconds that each piece takes longer. */
  readonly delayMs?: number
  /** Most milliseconds that each piece takes longer besides, at random. */
  readonly jitterMs?: number
  readonly bytesPerSecond?: number
  /** Most bytes that arrive together. */
  readonly sliceBytes?: number
}

const SLICES_PER_SECOND = 20

/** One direction of a connection: what goes in comes out at the other end in order, and later. */
export class Lane {
  readonly #to: Socket
  readonly #traffic: () => Traffic
  #last: Promise<void> = Promise.resolve()
  #hasLostBytes = false
  #underWay = 0

  constructor(to: Socket, traffic: () => Traffic) {
    this.#to = to
    this.#traffic = traffic
  }

  /** Whether something that was sent here never arrives. */
  get hasLostBytes(): boolean {
    return this.#hasLostBytes
  }

  /** Bytes that were sent and have not arrived yet. */
  get underWay(): number {
    return this.#underWay
  }

  send(bytes: Buffer): void {
    this.#underWay += bytes.length
    this.#last = this.#last.then(() => this.#deliver(bytes))
  }

  /** Closes this direction, once all that was sent has arrived. */
  end(): void {
    this.#last = this.#last.then(() => {
      if (!this.#isSwallowing()) this.#to.end()
    })
  }

  async #deliver(bytes: Buffer): Promise<void> {
    const { delayMs = 0, jitterMs = 0, bytesPerSecond, sliceBytes } = this.#traffic()
    if (delayMs + jitterMs > 0) await sleep(delayMs + Math.random() * jitterMs)
    const size = sliceBytes ?? (bytesPerSecond ? Math.ceil(bytesPerSecond / SLICES_PER_SECOND) : bytes.length)
    for (let at = 0; at < bytes.length; at += size) {
      const slice = bytes.subarray(at, at + size)
      if (bytesPerSecond) await sleep((slice.length / bytesPerSecond) * 1000)
      else if (at > 0) await nextTurn()
      if (this.#isSwallowing()) return
      this.#underWay -= slice.length
      if (this.#to.writable) this.#to.write(slice)
    }
  }

  #isSwallowing(): boolean {
    this.#hasLostBytes ||= this.#traffic().blackHole === true
    return this.#hasLostBytes
  }
}
