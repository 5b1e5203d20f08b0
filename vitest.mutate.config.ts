/** The quick tests of what `npm run mutate` changes: no process, no queue, no chance. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/core/{next-step,notes,observe,pace,turn}.test.ts',
      'test/flow/*.test.ts',
      'test/edges/{posthog,github}-limits.test.ts',
    ],
    testTimeout: 10_000,
  },
})
