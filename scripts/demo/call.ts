export interface Reply {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface Call {
  /** The status that the answer must have. */
  readonly expect: number
  readonly body?: object
  readonly token?: string
  readonly tenantId?: string
}

/**
 * Sends one request, prints it and its answer, and hands the answer on.
 *
 * @throws Error when the status is another one
 */
export async function call(
  method: string,
  url: string,
  { expect, body, token, tenantId }: Call,
): Promise<Reply> {
  const headers = {
    ...(body && { 'content-type': 'application/json' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(tenantId !== undefined && { 'x-tenant-id': tenantId }),
  }
  console.log(`${method} ${new URL(url).pathname}`)
  for (const [name, value] of Object.entries(headers)) console.log(`  ${name}: ${shorten(value)}`)
  if (body) console.log(indent(body))

  const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  const answer = (await response.json()) as Record<string, unknown>
  console.log(`→ ${response.status}\n${indent(answer)}`)
  if (response.status !== expect) throw new Error(`Expected status ${expect}, got ${response.status}.`)
  return { status: response.status, body: answer }
}

function indent(value: object): string {
  const json = JSON.stringify(value, (_, field) => (typeof field === 'string' ? shorten(field) : field), 2)
  return json.replaceAll(/^/gm, '  ')
}

/** Tokens are long and nobody reads them. */
function shorten(value: string): string {
  return value.length > 80 ? `${value.slice(0, 40)}…` : value
}
