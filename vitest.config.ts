import { defineConfig } from 'vitest/config'

// A test waits for events; these only end one that waits in vain, also where other work holds the processors.
const patience = { testTimeout: 180_000, hookTimeout: 180_000 }

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'stories',
          include: ['test/stories/**/*.test.ts'],
          // GitHub's schemas are read once a worker, not once a file.
          isolate: false,
          ...patience,
        },
      },
      {
        test: { name: 'parts', include: ['test/**/*.test.ts'], exclude: ['test/stories/**'], ...patience },
      },
    ],
  },
})
