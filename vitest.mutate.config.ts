/** The quick tests of what `npm run mutate` changes: no process, no queue, no chance. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/core/{next-step,messages,apply-snapshot,read-log,ledger,turn,moments,inline-asked,timing,admission,spending,failures,permission-request,situation,session}.test.ts',
      'test/security/{order,spending}.test.ts',
      'test/{commands,runs,maintenance}/*.test.ts',
      'test/contract/{posthog-limits,github-limits,agent-recordings}.test.ts',
    ],
    testTimeout: 60_000,
    // A mutant is the same for a whole run, so each module is read once.
    isolate: false,
  },
})
