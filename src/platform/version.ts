import { readFileSync } from 'node:fs'

/** This package's version, from package.json, which lies two levels up from the sources as from the build. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version
