import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

// A test waits for events; these only end one that waits in vain, also where other work holds the processors.
const giveUpAfterMs = { testTimeout: 180_000, hookTimeout: 180_000 }

// Stories wait for most of their time: many at once share a world, and keep the processors busy.
const maxConcurrency = 24

// A test that is red once is red: it is mended, not told again.
const retry = 0

const project = (name: string, include: string[], options: { isolate: boolean; exclude?: string[] }) => ({
  test: { name, include, retry, maxConcurrency, ...giveUpAfterMs, ...options },
})

// Without isolation modules are read once a worker, not once a file: that is half of what short tests cost.
const core = ['test/{core,commands,runs,maintenance}/**/*.test.ts', 'emulators/**/*.test.ts']
const stories = ['test/stories/**/*.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    // More than the processors, as they wait.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    retry,
    projects: [
      project('stories', stories, { isolate: false }),
      project('core', core, { isolate: false }),
      // What is changed here for a test, such as the network, is changed for a whole process.
      project('parts', ['test/**/*.test.ts'], { isolate: true, exclude: [...core, ...stories] }),
    ],
  },
})
