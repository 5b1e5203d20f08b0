import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/real-agent/*.story.ts'],
    globalSetup: ['test/build.ts', 'test/real-agent/loopback.ts'],
    setupFiles: ['test/keep-logs.ts', 'test/titles.ts'],
    // On a quiet machine a story takes at most 30 s. A wait in vain ends before, and says what it waited for.
    testTimeout: 400_000,
    hookTimeout: 400_000,
    // An agent takes 400 MB, and a processor while it starts.
    maxConcurrency: 2,
    fileParallelism: false,
    isolate: false,
    retry: 0,
  },
})
