/** The quick tests of what decides and waits, without a build, a process or a queue: for `npm run model`. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/core/{next-step,notes,observe,pace,run-life,turn}.test.ts',
      'test/flow/*.test.ts',
      'test/edges/{posthog,github}-limits.test.ts',
    ],
    testTimeout: 10_000,
  },
})
