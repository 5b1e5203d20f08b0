/** The quick tests of what `npm run mutate` changes: no process, no queue, no chance. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/core/{next-step,messages,apply-snapshot,inline-asked,timing,admission}.test.ts',
      'test/security/{order,spending}.test.ts',
      'test/{commands,runs,maintenance}/*.test.ts',
      'test/contract/{posthog,github}-limits.test.ts',
    ],
    testTimeout: 60_000,
  },
})
