import { defineConfig } from 'vitest/config'
import usual from './vitest.config.ts'

/** What takes too long for each change, or wants the machine for itself: times, long lists, tokens in turn, long runs of properties. */
export default defineConfig({
  test: {
    ...usual.test,
    include: ['test/slow/**/*.test.ts', 'test/property/**/*.test.ts', 'src/**/*.property.test.ts'],
    exclude: [],
    env: { TEST_EFFORT: '20' },
    setupFiles: ['test/support/effort.ts'],
    // Side by side they would measure each other.
    maxWorkers: 1,
    testTimeout: 1_800_000,
    reporters: ['default'],
    coverage: { enabled: false },
  },
})
