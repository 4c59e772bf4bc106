import { verify as verifyArgon2 } from '@node-rs/argon2'
import { verify as verifyBcrypt } from '@node-rs/bcrypt'

/** OWASP Password Storage Cheat Sheet: argon2id (the library's default kind) with 19 MiB, two passes, one lane. */
export const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

const CURRENT = `$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}$`

const ARGON2 = /^\$argon2(?:id|i|d)\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$[\w+/]+\$[\w+/]+$/
const BCRYPT = /^\$2[ab]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** What a hash that came from elsewhere may cost: more of it would stop everybody else's sign-in. */
const MEMORY_KIB = { min: 8 * 1024, max: 512 * 1024 }
const MAX_PASSES = 10
const MAX_LANES = 16
const MAX_BCRYPT_COST = 14

/** Checks a password against one stored hash. */
export type Check = (password: string) => Promise<boolean>

/**
 * Says how to check a password against a stored hash: argon2, or bcrypt as the original wrote it. `undefined` where no hash is
 * stored, or one that costs more than we are ready to pay.
 */
export function checkOf(hash: string | null | undefined): Check | undefined {
  if (!hash) return undefined
  if (isAffordableArgon2(hash)) return (password) => verifyArgon2(hash, password.normalize('NFKC'))
  // The original hashed what was typed, as it was typed.
  if (isAffordableBcrypt(hash)) return (password) => verifyBcrypt(password, hash)
  return undefined
}

/** Whether a hash was made with other parameters than those of today. */
export function isOutdated(hash: string): boolean {
  return !hash.startsWith(CURRENT)
}

function isAffordableArgon2(hash: string): boolean {
  const [memory, passes, lanes] = ARGON2.exec(hash)?.slice(1).map(Number) ?? []
  if (memory === undefined || passes === undefined || lanes === undefined) return false
  const isMemoryFair = memory >= MEMORY_KIB.min && memory <= MEMORY_KIB.max
  return isMemoryFair && passes >= 1 && passes <= MAX_PASSES && lanes >= 1 && lanes <= MAX_LANES
}

function isAffordableBcrypt(hash: string): boolean {
  const cost = Number(BCRYPT.exec(hash)?.[1] ?? Number.NaN)
  return cost >= 4 && cost <= MAX_BCRYPT_COST
}
