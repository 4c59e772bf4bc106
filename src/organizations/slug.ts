/** Names that the platform may one day need for itself, in a host name or a path. */
const RESERVED = new Set(
  (
    'admin api app assets auth billing blog cdn console core dashboard dev docs help internal localhost mail ' +
    'metrics null platform postgres public redoc root security static status support system template0 template1 tenant ' +
    'tenantry tenants test undefined www'
  ).split(' '),
)

const SLUG = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const MAX_LENGTH = 63

export type SlugProblem = 'invalid-format' | 'reserved'

/**
 * Says what is wrong with a slug: it must work as one label of a host name (RFC 1123: lower case letters, digits, single
 * dashes inside, at most 63) and begin with a letter.
 */
export function slugProblem(slug: string): SlugProblem | undefined {
  if (slug.length > MAX_LENGTH || !SLUG.test(slug)) return 'invalid-format'
  return RESERVED.has(slug) ? 'reserved' : undefined
}

/** Makes a slug of a name; `undefined` where too little of it can be written in ASCII. */
export function slugOf(name: string): string | undefined {
  const slug = name
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 50)
    .replace(/-+$/, '')
  return slugProblem(slug) === undefined ? slug : undefined
}
