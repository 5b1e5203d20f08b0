import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

// A test waits for events; these only end one that waits in vain, also where other work holds the processors.
const giveUpAfterMs = { testTimeout: 400_000, hookTimeout: 400_000 }

// Stories wait for most of their time: many at once share a world, and keep the processors busy.
const maxConcurrency = 24

// A test that is red once is red: it is mended, not told again.
const retry = 0

/** Stories of what is rare, or of which a plainer one has the like. */
const rare = [
  ...[
    'after-the-merge',
    'between-commands',
    'chains',
    'clocks',
    'going-on',
    'hostile-texts',
    'less-settings',
  ],
  ...[
    'many-processes',
    'memory',
    'owner-moves',
    'probot-app',
    'reading-cost',
    'refused-reads',
    'refused-words',
  ],
  ...['strangers', 'surroundings', 'tenants', 'unused-branches', 'upgrades', 'walk'],
]

/**
 * What `npm test` leaves to `npm run test:all`: the emulators' own tests, pictures, rows that are generated, and what is
 * rare. The rest tells whether the bot works.
 */
const exhaustive = [
  ...rare.map(name => `test/stories/${name}.test.ts`),
  ...[
    'emulators/**',
    'test/threads/**',
    'test/demo/playground-actions.test.ts',
    'test/security/{fuzz,github-renders}.test.ts',
  ],
  ...['test/core/command-oracle.test.ts', 'test/contract/{graphql,queue-cluster,queue-owners}.test.ts'],
]
const left = process.env.EXHAUSTIVE === undefined ? exhaustive : []

const project = (name: string, include: string[], options: { isolate: boolean; exclude?: string[] }) => ({
  test: {
    name,
    include,
    retry,
    maxConcurrency,
    ...giveUpAfterMs,
    setupFiles: ['test/keep-logs.ts'],
    ...options,
    exclude: [...(options.exclude ?? []), ...left],
  },
})

/** What is changed there for a test, such as the network, is changed for a whole process. */
const alone = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts'))
  .map(name => `test/${name}`)
  .filter(path => /'nock'|process\.on\(|'\.\/fuzz\.ts'/.test(readFileSync(path, 'utf8')))

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    // More than the processors, as they wait.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    retry,
    projects: [
      // Without isolation modules are read once a worker, not once a file: that is half of what short tests cost.
      project('together', ['{test,emulators}/**/*.test.ts'], { isolate: false, exclude: alone }),
      project('alone', alone, { isolate: true }),
    ],
  },
})
