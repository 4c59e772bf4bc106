import { describe, expect, it } from 'vitest'
import { defineErrors } from '../../platform/index.ts'
import { PROBLEM_TYPE_BASE } from '../index.ts'
import { makeServer } from '../test-support.ts'

const PAGES = ['/docs', '/redoc', '/openapi.json']

describe('documentation pages', () => {
  it.each(PAGES)('%s can be switched off', async (url) => {
    await using server = await makeServer({ docs: false })
    expect((await server.inject(url)).statusCode).toBe(404)
  })

  it.each(['/docs', '/docs/', '/redoc'])('%s is a page that loads from this server only', async (url) => {
    await using server = await makeServer({ docs: true })
    const page = await server.inject({ url, headers: { accept: 'text/html' } })
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.body).not.toMatch(/https?:|(src|href)="\/\//)
    expect(page.body).not.toMatch(/<script(?![^>]*src=)|<style| on[a-z]+=/)
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /)
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/)
    expect(policy).toContain("frame-ancestors 'none'")
    const base = new URL(url, 'http://server')
    for (const [, link = ''] of page.body.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const { pathname } = new URL(link, base)
      expect([pathname, (await server.inject(pathname)).statusCode]).toEqual([pathname, 200])
    }
  })

  it('keep the tokens that a reader typed in', async () => {
    await using server = await makeServer({ docs: true })
    const { body } = await server.inject('/docs/static/swagger-initializer.js')
    expect(body).toContain('"persistAuthorization":true')
    expect(body).toContain('validatorUrl: null')
  })

  it('load no logo from the makers of ReDoc', async () => {
    await using server = await makeServer({ docs: true })
    const program = /src="([^"]+)"/.exec((await server.inject('/redoc')).body)?.[1] ?? ''
    const { body, headers } = await server.inject(program)
    expect(body.length).toBeGreaterThan(500_000)
    expect(body).not.toContain('cdn.redoc.ly')
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
  })
})

describe('problem pages', () => {
  const errors = defineErrors({
    tags: { code: 'tags', status: 400, title: 'Tags & more', detail: '<b>Bold</b> "quoted"' },
  })

  it('list every kind of error', async () => {
    await using server = await makeServer({ errors: [errors] })
    const kinds = (await server.inject('/problems')).json()
    expect(kinds).toContainEqual({
      type: `${PROBLEM_TYPE_BASE}tags`,
      code: 'tags',
      status: 400,
      title: 'Tags & more',
      detail: '<b>Bold</b> "quoted"',
    })
    for (const { type, code } of kinds) {
      const page = await server.inject(new URL(type).pathname)
      expect([page.statusCode, page.json().code]).toEqual([200, code])
    }
  })

  it('are HTML for a browser', async () => {
    await using server = await makeServer({ errors: [errors] })
    for (const url of ['/problems', '/problems/tags']) {
      const page = await server.inject({ url, headers: { accept: 'text/html,*/*;q=0.8' } })
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; /)
      expect(page.body).toContain('Tags &amp; more')
      expect(page.body).toContain('&lt;b&gt;Bold&lt;/b&gt; &quot;quoted&quot;')
    }
  })

  it('know no other kinds', async () => {
    await using server = await makeServer()
    const answer = await server.inject('/problems/__proto__')
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'not-found'])
  })
})
