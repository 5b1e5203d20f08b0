import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    include: ['test/**/*.test.ts'],
    // Stories share two cores with emulators, Redis and bots: one that misses its time is told once more.
    retry: 1,
    testTimeout: 40_000,
    hookTimeout: 120_000,
    maxWorkers: 3,
  },
})
