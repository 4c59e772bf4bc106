import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { startPlatform } from '../support/platform.ts'
import { read } from './project-files.ts'

const script = /^## First five minutes\n.*?^```sh\n(.*?)^```/ms.exec(read('README.md'))?.[1] ?? ''
const hasCurl = spawnSync('curl', ['--version']).status === 0

it.skipIf(!hasCurl)('plays as README.md says', async () => {
  const { app, close } = await startPlatform()
  try {
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const here = script.replace('http://127.0.0.1:8000', address)
    const { stdout, stderr } = await promisify(execFile)('sh', ['-eu', '-c', here])
    expect(stderr).toBe('')
    const answers: unknown[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(answers).toEqual([
      expect.objectContaining({ scope: 'core' }),
      [expect.objectContaining({ name: 'Acme', status: 'active' })],
      expect.objectContaining({ email: 'olga@example.com', is_owner: true }),
      expect.objectContaining({ phone: '+49 30 123456' }),
      expect.objectContaining({ scope: 'tenant', tenant_id: expect.any(String) }),
    ])
  } finally {
    await close()
  }
})
