import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    include: ['test/**/*.test.ts'],
    // A test waits for events; these only end one that waits in vain, also where other work holds the processors.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 3,
  },
})
