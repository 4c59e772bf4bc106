import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, newPerson, register } from './support/api.ts'
import { type ExternalPostgres, startExternalPostgres } from './support/external-postgres.ts'
import {
  BirthHolder,
  CLAIM_POINTS,
  type HeldBirth,
  type LastWord,
  ORGANIZATION_POINTS,
  patient,
  SPARE_POINTS,
} from './support/held-births.ts'
import { eventually } from './support/poll.ts'
import type { StartedProcess } from './support/processes.ts'
import { expectRegistryWhole, untilAllIsDone } from './support/registry.ts'
import { connectTo } from './support/running-postgres.ts'
import { type Server, Workspace } from './support/workspace.ts'

const CORE = 'core'
const LAST_WORDS: readonly LastWord[] = ['lost', 'done']
/** A process has ten connections to the core database, and each held birth takes one. */
const HELD_BY_ONE = 6

let place: Workspace
let postgres: ExternalPostgres
let holder: BirthHolder
let owner: string
/** All that ever ran on the core database; the last one is alive. */
const servers: StartedProcess[] = []
let server: Server
beforeAll(async () => {
  place = await Workspace.create()
  postgres = await startExternalPostgres(place)
  await serve('0')
  holder = await BirthHolder.create(postgres.urlFor(CORE))
  owner = await register(server.url, newPerson('owner'))
}, 60_000)
afterAll(async () => {
  await holder?.[Symbol.asyncDispose]()
  await place?.[Symbol.asyncDispose]()
})

const registry = () => ({ adminUrl: postgres.adminUrl, core: CORE })

async function serve(SPARE_DATABASES: string): Promise<Server> {
  server = await place.serve({ DATABASE_URL: patient(postgres.urlFor(CORE)), SPARE_DATABASES })
  servers.push(server.process)
  return server
}

/** Kills every server at one moment, and lets PostgreSQL find out. */
async function killAll(): Promise<void> {
  for (const one of servers) one.kill('SIGKILL')
  await Promise.all(servers.map((one) => one.exited()))
  await holder.settle()
}

/** Asks for one organization; every repeat is the same request. */
const ask = (url: string, slug: string) =>
  call(url, 'POST /organizations', {
    token: owner,
    body: { name: slug, slug },
    headers: { 'idempotency-key': `key-of-${slug}` },
  })

/** As a client does that was promised an organization. */
async function askUntilActive(slug: string): Promise<void> {
  const body = await eventually(`the organization ${slug}`, async () => {
    const reply = await ask(server.url, slug)
    if (reply.status !== 201) expect([202, 409, 503], JSON.stringify(reply.body)).toContain(reply.status)
    return reply.status === 201 && reply.body
  })
  expect(body).toMatchObject({ slug, status: 'active' })
}

/** Lets the claims of the dead run out now; they last ten seconds. */
async function expireClaims(): Promise<void> {
  const core = await connectTo(postgres.urlFor(CORE))
  await core.query(
    "UPDATE tenants SET claimed_until = now() - interval '1 second' WHERE claimed_until > now()",
  )
  await core.end()
}

/** How often each organization was announced to event handlers, by those processes. */
function newsOf(processes: readonly StartedProcess[]): Map<string, number> {
  const news = new Map<string, number>()
  for (const line of processes.flatMap(({ stderr }) => stderr.split('\n'))) {
    if (!line.includes('"organization created"')) continue
    const { slug } = JSON.parse(line)
    news.set(slug, (news.get(slug) ?? 0) + 1)
  }
  return news
}

const birthsAt = (prefix: string, points: readonly string[]): (HeldBirth & { slug: string })[] =>
  LAST_WORDS.flatMap((lastWord) =>
    points.map((point) => ({ point, lastWord, slug: `${prefix}-${point}-${lastWord}` })),
  )

/** Whose commit was the last word, and was not lost: active, though nobody was told. */
const isActiveAlready = ({ point, lastWord }: HeldBirth) =>
  point === 'told' || (point === 'activate' && lastWord === 'done')

/**
 * Every organization was told of once; twice where only the note of it was lost. What was told right before a kill may not
 * have come as far as the log that this reads.
 */
function expectNews(
  births: readonly (HeldBirth & { slug: string })[],
  killed: readonly StartedProcess[],
): void {
  const before = newsOf(killed)
  const all = newsOf(servers)
  for (const { point, lastWord, slug } of births) {
    const early = before.get(slug) ?? 0
    const late = (all.get(slug) ?? 0) - early
    expect(early, `${slug} before`).toBeOneOf(point === 'told' ? [0, 1] : [0])
    expect(late, `${slug} after`).toBe(point === 'told' && lastWord === 'done' ? 0 : 1)
  }
}

/** The note that the news was told is not waited for: then the answer may have been given before the server was killed. */
function expectAnswers(births: readonly HeldBirth[], answers: readonly unknown[]): void {
  const unanswered = births.filter((_, index) => answers[index] === 'no answer')
  const answered = births.filter((birth) => !unanswered.includes(birth))
  expect(answered.filter(({ point }) => point !== 'told')).toEqual([])
}

describe('servers that are killed at every step', { timeout: 120_000 }, () => {
  it('K1 to K9, K17 leave no organization half-made: it is finished, and told of, once', async () => {
    const births = birthsAt('inline', ORGANIZATION_POINTS)
    await holder.hold(births)
    while (servers.length * HELD_BY_ONE < births.length) await serve('0')
    const urls = servers.map((one) => /API\s+(http\S+)\/api/.exec(one.stdout + one.stderr)?.[1] ?? '')
    const answers = births.map(({ slug }, index) =>
      ask(urls[index % urls.length] ?? '', slug).catch(() => 'no answer'),
    )
    await holder.reached(births.length)
    await killAll()
    expectAnswers(births, await Promise.all(answers))
    const killed = [...servers]

    await serve('0')
    // Half of the owners ask again, and the others wait for the reconciler.
    await Promise.all(
      births
        .filter((birth) => birth.lastWord === 'lost' && !isActiveAlready(birth))
        .map(({ slug }) => askUntilActive(slug)),
    )
    await untilAllIsDone(registry())
    const { organizations, spares } = await expectRegistryWhole(registry())
    expect(organizations).toEqual(births.map(({ slug }) => slug).sort())
    expect(spares).toEqual([])
    expectNews(births, killed)
    // Whoever asks again gets what there is.
    for (const { slug } of births) await askUntilActive(slug)
    expect((await call(server.url, 'GET /organizations/me', { token: owner })).body).toHaveLength(
      births.length,
    )
  })

  it.each(LAST_WORDS)('K1 to K9 leave no spare half-made, when the last word was %s', async (lastWord) => {
    await killAll()
    const core = await connectTo(postgres.urlFor(CORE))
    // One spare is made at a time on each server; without an address a server is the core database's own.
    await core.query(`INSERT INTO servers (id, name)
      SELECT gen_random_uuid(), 'another ' || n FROM generate_series((SELECT count(*) FROM servers), ${SPARE_POINTS.length - 1}) n`)
    const { rows } = await core.query("SELECT count(*)::int AS spares FROM tenants WHERE status = 'spare'")
    await core.end()
    const wanted = String(rows[0].spares / SPARE_POINTS.length + 1)
    await holder.hold(SPARE_POINTS.map((point) => ({ point, lastWord })))
    await serve(wanted)
    await holder.reached(SPARE_POINTS.length)
    await killAll()
    await expireClaims()

    await serve(wanted)
    await eventually('every server’s spares', async () => {
      const spares = await readSpareCount()
      return spares === SPARE_POINTS.length * Number(wanted)
    })
    await untilAllIsDone(registry())
    const { spares } = await expectRegistryWhole(registry())
    expect(spares).toHaveLength(SPARE_POINTS.length * Number(wanted))
  })

  it('K1 to K9, K17 lose neither a spare nor the organization that it was claimed for', async () => {
    await killAll()
    const before = (await expectRegistryWhole(registry())).spares
    const births = birthsAt('claimed', CLAIM_POINTS)
    await holder.hold(births)
    await serve('0')
    const answers = births.map(({ slug }) => ask(server.url, slug).catch(() => 'no answer'))
    await holder.reached(births.length)
    const killed = [server.process]
    await killAll()
    expectAnswers(births, await Promise.all(answers))
    await expireClaims()

    await serve('0')
    await Promise.all(
      births.filter((birth) => !isActiveAlready(birth)).map(({ slug }) => askUntilActive(slug)),
    )
    await untilAllIsDone(registry())
    const { organizations, spares } = await expectRegistryWhole(registry())
    expect(organizations).toEqual(expect.arrayContaining(births.map(({ slug }) => slug)))
    expect(spares).toHaveLength(before.length - births.length)
    expectNews(births, killed)
  })
})

async function readSpareCount(): Promise<number> {
  const core = await connectTo(postgres.urlFor(CORE))
  try {
    return (await core.query("SELECT FROM tenants WHERE status = 'spare'")).rowCount ?? 0
  } finally {
    await core.end()
  }
}
