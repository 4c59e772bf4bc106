import { AT_HOME, type Place, RECOGNIZABLE, SECRET_FIELDS } from './kinds.ts'

/** Shorter ones turn up by chance: `password` is a word of many messages. */
const SHORTEST = 12
/** Some tests try one as a password, and it is public then. */
const EMAIL = /^\S+@\S+[.]\S+$/
/** What is shown of a text, around where the secret was. */
const CONTEXT = 80

/** O16: knows the secrets that tests hand in or get, and says whether a text holds one of them. */
export class SecretBook {
  /** Spellings, and what they are. */
  readonly #known = new Map<string, string>()
  readonly #seen = new Set<string>()

  /** @param kind as the complaint shall call it */
  learn(kind: string, secret: string): void {
    if (secret.trim().length < SHORTEST || EMAIL.test(secret) || this.#seen.has(secret)) return
    this.#seen.add(secret)
    // What has a look of its own need not be remembered.
    if (Object.values(RECOGNIZABLE).some((look) => look.test(secret))) return
    for (const spelling of spellingsOf(secret)) this.#known.set(spelling, kind)
  }

  /** Learns what lies in the fields of JSON that carry secrets. */
  learnFrom(json: unknown): void {
    if (typeof json !== 'object' || json === null) return
    for (const [name, value] of Object.entries(json))
      if (SECRET_FIELDS.has(name)) for (const secret of textsIn(value)) this.learn(name, secret)
      else this.learnFrom(value)
  }

  /** Learns the password of an address such as DATABASE_URL. */
  learnUrl(kind: string, url: string): void {
    if (URL.canParse(url)) this.learn(kind, decodeURIComponent(new URL(url).password))
  }

  /** Says which secret a text holds that does not belong in such a place, with what stands around it; `undefined`: none. */
  find(place: Place, text: string): string | undefined {
    for (const [kind, look] of Object.entries(RECOGNIZABLE)) {
      if (AT_HOME[place].includes(kind)) continue
      const found = look.exec(text)
      if (found) return complaint(place, kind, text, found.index, found[0].length)
    }
    for (const [spelling, kind] of this.#known) {
      const at = text.indexOf(spelling)
      if (at >= 0) return complaint(place, kind, text, at, spelling.length)
    }
    return undefined
  }

  /** @throws Error when a text holds a secret that does not belong in such a place */
  check(place: Place, text: string): void {
    const found = this.find(place, text)
    if (found !== undefined) throw new Error(found)
  }
}

/** As it is, in JSON, in an address and in basic credentials: the ways in which it could be written down. */
function spellingsOf(secret: string): Set<string> {
  const inJson = JSON.stringify(secret).slice(1, -1)
  const inUrl = secret.isWellFormed() ? encodeURIComponent(secret) : secret
  return new Set([secret, inJson, inUrl, new URLSearchParams({ '': secret }).toString().slice(1)])
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.flatMap(textsIn) : []
}

/** Without the secret: a test's report is kept too. */
function complaint(place: Place, kind: string, text: string, at: number, length: number): string {
  const before = text.slice(Math.max(0, at - CONTEXT), at)
  const after = text.slice(at + length, at + length + CONTEXT)
  return `O16 ${kind} is in the ${place}: …${before}[it stands here]${after}…`
}
