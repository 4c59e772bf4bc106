import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { type ApiExchange, PASSWORD } from './api-client.ts'
import { type Contract, readContract } from './contract.ts'
import { type LogLine, recordLog } from './log-recorder.ts'
import { startPlatform, type TestPlatform, type TestPlatformOptions } from './platform.ts'
import { expectSane } from './sane.ts'

export interface CheckedPlatform extends TestPlatform {
  readonly contract: Contract
  /** What it has logged so far. */
  readonly logged: readonly LogLine[]
  /** B19: makes a word for a tenant's data. It may come back to that tenant alone, and no log may hold it. */
  plant(tenantId: string): string
  /** Says whose a word is that was planted through another platform on the same databases. */
  own(canary: string, tenantId: string): void
}

/** O16: what no log line may hold, with or without redaction. */
const SECRETS = [
  PASSWORD,
  '$argon2',
  'eyJ',
  'trt_',
  'tro_',
  'trm_',
  'trs_',
  'tra_',
  'trc_',
  'tnk_',
  'otpauth:',
  'postgres://',
  'postgresql://',
]

const CANARY = /canary-[0-9a-f]{16}/g

/** The whole application, with every answer and every log line checked, whatever the test itself looks at. */
export async function startCheckedPlatform(
  options: Omit<TestPlatformOptions, 'log' | 'observe'> = {},
): Promise<CheckedPlatform> {
  const { log, lines } = recordLog()
  const requestIds: string[] = []
  const owners = new Map<string, string>()
  let contract: Contract | undefined

  const observe = (exchange: ApiExchange): void => {
    requestIds.push(exchange.reply.headers['x-request-id'] ?? '')
    if (contract) expectSane(exchange, contract)
    expectNoForeignCanary(exchange, owners)
  }
  const started = await startPlatform({ ...options, log, observe })
  contract = await readContract(started.app)

  return {
    ...started,
    contract,
    logged: lines,
    plant: (tenantId) => {
      const canary = `canary-${randomBytes(8).toString('hex')}`
      owners.set(canary, tenantId)
      return canary
    },
    own: (canary, tenantId) => void owners.set(canary, tenantId),
    close: async () => {
      await started.close()
      expectOneLineEach(requestIds, lines)
      for (const { text } of lines) {
        expect(text, 'B19').not.toMatch(CANARY)
        for (const secret of SECRETS) expect(text, 'O16').not.toContain(secret)
      }
    },
  }
}

function expectNoForeignCanary(
  { method, url, call, reply }: ApiExchange,
  owners: ReadonlyMap<string, string>,
) {
  for (const [canary] of `${JSON.stringify(reply.headers)}${reply.text}`.matchAll(CANARY)) {
    expect(owners.get(canary), `B19 ${method} ${url} answered ${canary}`).toBe(call.tenantId)
  }
}

/** G7: each request is in the access log, once. */
function expectOneLineEach(requestIds: readonly string[], lines: readonly LogLine[]): void {
  const counts = new Map<string | undefined, number>()
  for (const { msg, request_id } of lines)
    if (msg === 'request') counts.set(request_id, (counts.get(request_id) ?? 0) + 1)
  for (const id of requestIds) expect(counts.get(id), `G7 log lines of request ${id}`).toBe(1)
}
