import type { Browser, Page } from 'playwright-core'

/** A page with all that it asked for and complained about. */
export interface ObservedPage extends AsyncDisposable {
  readonly page: Page
  /** Origins of all requests over the network. */
  readonly origins: ReadonlySet<string>
  /** Errors of its scripts, errors on the console (broken content policies among them), and requests that failed. */
  readonly complaints: readonly string[]
}

export async function openPage(browser: Browser, url: string): Promise<ObservedPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1400 } })
  const origins = new Set<string>()
  const complaints: string[] = []
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol !== 'blob:' && protocol !== 'data:') origins.add(origin)
  })
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(url)
  return { page, origins, complaints, [Symbol.asyncDispose]: () => page.close() }
}
