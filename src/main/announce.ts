import type { Config } from '../config.ts'

/** Tells where everything is: on stdout, one address a line. */
export function announceServer(address: string, config: Config): void {
  const lines = [
    ['API', '/api/v1'],
    ...(config.docs
      ? [
          ['Swagger UI', '/docs'],
          ['ReDoc', '/redoc'],
          ['OpenAPI', '/openapi.json'],
        ]
      : []),
    ['Health', '/health/ready'],
  ].map(([name = '', path = '']) => `  ${name.padEnd(12)}${address}${path}`)
  process.stdout.write(`Tenantry is ready.\n${lines.join('\n')}\n`)
}

/** Tells that a process without the API works. */
export function announceWorker(): void {
  process.stdout.write('Tenantry’s worker is ready.\n')
}
