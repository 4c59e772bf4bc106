import { defineConfig } from 'vitest/config'

/** The guard of the embedded PostgreSQL: a process of its own. */
const GUARD = [
  'cluster',
  'existing-database',
  'guard',
  'guard-process',
  'placement',
  'platform-role',
  'postmaster',
  'server',
  'supervisor',
  'watcher',
].map((file) => `src/platform/embedded/${file}.ts`)

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/slow/**', '**/node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // No test replaces a module, so nothing is gained by loading the house once more for each file: a third of the CPU.
    isolate: false,
    // Two cores, of which tests that wait for servers and processes leave half; every file has databases of its own.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    reporters: ['default', ['json', { outputFile: 'coverage/tests.json' }]],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // What runs in a process of its own is seen from outside, by the acceptance tests; types have no lines.
      exclude: ['src/**/*.test.ts', 'src/**/test-support.ts', 'src/**/*.d.ts', 'src/main/**', ...GUARD],
      reporter: ['text-summary', 'html', 'json-summary'],
      thresholds: { lines: 90 },
    },
  },
})
