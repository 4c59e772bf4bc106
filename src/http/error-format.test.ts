import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { createErrorFormats, type ErrorFormat, PROBLEM_FORMAT } from './error-format.ts'
import { httpErrors } from './errors.ts'
import { makeServer, named } from './test-support.ts'

const OTHER: ErrorFormat = {
  prefix: '/other/',
  mediaType: 'application/other+json',
  schema: Type.Object({ what: Type.String() }, { $id: 'Other' }),
  schemaId: 'Other',
  statusOf: (status) => (status === 422 ? 400 : status),
  write: ({ code }) => ({ what: code }),
}

it('belongs to the addresses below its prefix, and to no others', () => {
  const formatOf = createErrorFormats([OTHER])
  expect(['/other/', '/other/x', '/other/:id/y'].map(formatOf)).toEqual([OTHER, OTHER, OTHER])
  for (const path of ['/', '/other', '/others/x', '/x/other/y', '/Other/x', ''])
    expect(formatOf(path), path).toBe(PROBLEM_FORMAT)
})

it.each(['', '/', 'other/', '/other', '//'])('cannot have the prefix "%s"', (prefix) => {
  expect(() => createErrorFormats([{ ...OTHER, prefix }])).toThrow(/prefix/)
})

it('writes what its routes refuse, and describes it; the others answer problem+json', async () => {
  await using server = await makeServer({ errorFormats: [OTHER], docs: true })
  for (const url of ['/other/route', '/plain'])
    server.get(url, { schema: named(url.slice(1).replace('/', '-')) }, async () => {
      throw httpErrors.validationFailed()
    })
  const answer = async (url: string) => {
    const { statusCode, headers, body } = await server.inject({ url })
    return [statusCode, headers['content-type'], JSON.parse(body)]
  }
  const mediaType = 'application/other+json; charset=utf-8'
  expect(await answer('/other/route')).toEqual([400, mediaType, { what: 'validation-failed' }])
  expect(await answer('/other/nothing')).toEqual([404, mediaType, { what: 'not-found' }])
  const problem = 'application/problem+json; charset=utf-8'
  expect(await answer('/plain')).toMatchObject([422, problem, { code: 'validation-failed' }])
  expect(await answer('/nothing')).toMatchObject([404, problem, { code: 'not-found' }])
  const { paths } = (await server.inject({ url: '/openapi.json' })).json()
  expect(paths['/other/route'].get.responses['400'].content).toEqual({
    'application/other+json': { schema: { $ref: '#/components/schemas/Other' } },
  })
  expect(Object.keys(paths['/plain'].get.responses['400'].content)).toEqual(['application/problem+json'])
})
