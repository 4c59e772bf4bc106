import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganization, newPerson, register, signIn } from '../acceptance/support/api.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { type Server, Workspace } from '../acceptance/support/workspace.ts'
import { hasBrowser, launchBrowser } from './support/browser.ts'
import { openPage } from './support/observed-page.ts'

describe.skipIf(!hasBrowser)('the pages that describe the API', { timeout: 90_000 }, () => {
  let place: Workspace
  let server: Server
  let browser: Browser
  beforeAll(async () => {
    place = await Workspace.create()
    const [started, launched] = await Promise.all([place.serve(), launchBrowser()])
    server = started
    browser = launched
  }, 90_000)
  afterAll(async () => {
    await browser?.close()
    await place[Symbol.asyncDispose]()
  })

  it('Swagger UI shows every operation and asks nobody but this server', async () => {
    await using docs = await openPage(browser, `${server.url}/docs`)
    const operations = docs.page.locator('.opblock-summary')
    await operations.first().waitFor()
    expect(
      (await operations.allInnerTexts()).map((text) => text.split('\n').slice(0, 2).join(' ')).sort(),
    ).toEqual(await describedOperations())
    expect(await docs.page.locator('hgroup .title').innerText()).toContain('Tenantry')
    expect([...docs.origins]).toEqual([server.url])
    expect(docs.complaints).toEqual([])
  })

  it('Swagger UI sends what was filled in at Authorize: the core token, the tenant token with its header', async () => {
    const owner = newPerson('owner')
    const coreToken = await register(server.url, owner)
    const tenantId = await createOrganization(server.url, coreToken, 'Documented')
    const tenantToken = await signIn(server.url, owner, tenantId)

    await using docs = await openPage(browser, `${server.url}/docs`)
    const { page } = docs
    const listMine = await open(page, 'listMyOrganizations')
    const readProfile = await open(page, 'getMyProfile')
    expect(await execute(page, listMine)).toMatchObject({ status: 401 })
    await authorize(page, { coreToken, tenantToken, tenantId })

    const organizations = await execute(page, listMine)
    expect(organizations).toMatchObject({ status: 200, sent: { authorization: `Bearer ${coreToken}` } })
    expect(organizations.body).toContain(tenantId)
    const profile = await execute(page, readProfile)
    expect(profile).toMatchObject({
      status: 200,
      sent: { authorization: `Bearer ${tenantToken}`, 'x-tenant-id': tenantId },
    })
    expect(profile.body).toContain(owner.email)
    expect([...docs.origins]).toEqual([server.url])
    // The first call's 401 is what a browser complains about by itself.
    expect(docs.complaints).toEqual([expect.stringContaining('401')])
  })

  it('ReDoc shows the title and every operation, searches, and asks nobody but this server', async () => {
    await using redoc = await openPage(browser, `${server.url}/redoc`)
    const { page } = redoc
    await page.locator('h1').first().waitFor()
    expect(await page.locator('h1').first().innerText()).toMatch(/^Tenantry \(/)
    const headings = (await page.locator('h2').allInnerTexts()).map((text) => text.trim())
    for (const { summary } of Object.values(await operationsByPath()).flat())
      expect(headings).toContain(summary)

    // It searches in a worker, which a content policy may forbid without anything to see.
    await page.getByPlaceholder('Search...').fill('profile')
    await page.locator('[data-role="search:results"] li').first().waitFor()
    expect([...redoc.origins]).toEqual([server.url])
    expect(redoc.complaints).toEqual([])
  })

  it.each(['/docs', '/redoc'])('%s could not even send anything elsewhere', async (path) => {
    await using observed = await openPage(browser, `${server.url}${path}`)
    // As text, because it runs in the browser, whose globals are not those of the tests.
    expect(await observed.page.evaluate(`fetch('https://elsewhere.example/').catch(() => 'refused')`)).toBe(
      'refused',
    )
    const isForbidden = (complaint: string) =>
      complaint.includes(`Content Security Policy directive: "connect-src 'self'"`)
    await eventually('the browser to say who refused', () => observed.complaints.some(isForbidden))
  })

  interface Operation {
    readonly method: string
    readonly summary: string
  }

  async function operationsByPath(): Promise<Record<string, Operation[]>> {
    const response = await fetch(`${server.url}/openapi.json`)
    const { paths } = (await response.json()) as {
      paths: Record<string, Record<string, { summary: string }>>
    }
    const entries = Object.entries(paths)
    return Object.fromEntries(
      entries.map(([path, operations]) => [
        path,
        Object.entries(operations).map(([method, { summary }]) => ({ method, summary })),
      ]),
    )
  }

  async function describedOperations(): Promise<string[]> {
    const byPath = Object.entries(await operationsByPath())
    return byPath.flatMap(([path, all]) => all.map(({ method }) => `${method.toUpperCase()} ${path}`)).sort()
  }
})

/** Fills in the dialog as a person does, each value in its own part. */
async function authorize(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  await page.getByRole('button', { name: 'Authorize' }).first().click()
  const dialog = page.locator('.dialog-ux')
  for (const [name, value] of Object.entries(values)) {
    const part = dialog.locator('.auth-container', { hasText: name })
    await part.locator('input').fill(value)
    await part.getByRole('button', { name: 'Apply credentials' }).click()
    await part.getByRole('button', { name: 'Remove authorization' }).waitFor()
  }
  await dialog.locator('.close-modal').click()
}

interface Execution {
  readonly sent: Readonly<Record<string, string>>
  readonly status: number
  readonly body: string
}

/** An operation on the page, folded out and ready to be executed. */
async function open(page: Page, operationId: string): Promise<Locator> {
  const operation = page.locator(`[id$="-${operationId}"].opblock`)
  await operation.locator('.opblock-summary-control').click()
  await operation.getByRole('button', { name: 'Try it out' }).click()
  return operation
}

/** Executes an operation and reads what was sent and what the page shows. */
async function execute(page: Page, operation: Locator): Promise<Execution> {
  const [response] = await Promise.all([
    page.waitForResponse((one) => one.url().includes('/api/v1/')),
    operation.getByRole('button', { name: 'Execute' }).click(),
  ])
  const status = response.status()
  // The answer of an earlier try stands there until this one is drawn.
  const ofThisStatus = page.locator('.response-col_status', { hasText: String(status) })
  const shown = operation.locator('.live-responses-table .response', { has: ofThisStatus })
  await shown.waitFor()
  return {
    sent: await response.request().allHeaders(),
    status,
    body: await shown.locator('.response-col_description').innerText(),
  }
}
