import { defineConfig } from 'vitest/config'

// A test waits for events; these only end one that waits in vain, also where other work holds the processors.
const patience = { testTimeout: 180_000, hookTimeout: 180_000 }

// Modules are read once a worker, not once a file: that is a quarter of all the work.
const isolate = false

// Until the whole suite has been seen green on a quiet machine often enough, CI tells a story once more.
const retry = process.env.CI ? 1 : 0

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    maxWorkers: 3,
    retry,
    projects: [
      {
        test: {
          name: 'stories',
          include: ['test/stories/**/*.test.ts'],
          isolate,
          retry,
          ...patience,
        },
      },
      {
        test: {
          name: 'parts',
          include: ['{test,emulators}/**/*.test.ts'],
          exclude: ['test/stories/**'],
          isolate,
          retry,
          ...patience,
        },
      },
    ],
  },
})
