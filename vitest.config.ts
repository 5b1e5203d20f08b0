import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

// A test waits for events; these only end one that waits in vain, also where other work holds the processors.
const giveUpAfterMs = { testTimeout: 400_000, hookTimeout: 400_000 }

// Stories wait for most of their time, so many share a world; with more, a busy machine answers none of them in time.
const maxConcurrency = 12

// A test that is red once is red: it is mended, not told again.
const retry = 0

/** Stories of what is rare, of which a plainer one has the like, or of what only its operator sees. */
const rare = [
  'admin after-the-merge agent-reviews approval bases between-commands call-counts chains changing-keys',
  'clocks container doctor editor-schema few-comments folded-status forms full-disk going-on',
  'hostile-texts in-the-text less-settings limits live-progress lost-queue many-processes memory',
  'mentions missed-webhooks owner-moves owner-settings poll probot-app processes pull-ends pull-shape',
  'real-log reasons-to-wait refused-reads refused-words repository-lives resolved-threads',
  'restored-queue reviewing-bots sessions set-up settings-file start-checks state-labels strangers',
  'surroundings taking-back templates tenants thread-order told-of-the-pull trigger-words trust twins',
  'unused-branches upgrades waiting-commands walk whose wrong-credentials',
].flatMap(names => names.split(' '))

/**
 * What `npm test` leaves to `npm run test:all`: the emulators' own tests, pictures, rows that are generated, and what is
 * rare. The rest tells whether the bot works.
 */
const exhaustive = [
  ...rare.map(name => `test/stories/${name}.test.ts`),
  ...[
    'emulators/**',
    'test/threads/**',
    'test/demo/{keep,playground,playground-actions,watch}.test.ts',
    'test/security/{fuzz,github-renders}.test.ts',
  ],
  ...[
    'test/contract/{following,graphql,long-threads,queue-chores,queue-cluster,queue-fence,queue-owners}.test.ts',
  ],
]
/** Who names a file or a folder wants what is in it. */
const named = process.argv.some(word => /^(?:\.\/)?(?:test\/|emulators)|\.test\.ts\b/.test(word))
const left = process.env.EXHAUSTIVE === undefined && !named ? exhaustive : []

const project = (
  name: string,
  include: string[],
  options: { isolate: boolean; exclude?: string[] },
) => ({
  test: {
    name,
    include,
    retry,
    maxConcurrency,
    // What an emulator says after its last test would be a message to a runner that is gone, which is an error there.
    disableConsoleIntercept: true,
    ...giveUpAfterMs,
    setupFiles: ['test/keep-logs.ts', 'test/titles.ts'],
    ...options,
    exclude: ['**/node_modules/**', ...(options.exclude ?? []), ...left],
  },
})

const filesWith = (words: RegExp): string[] =>
  readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map(name => `test/${name}`)
    .filter(path => words.test(readFileSync(path, 'utf8')))

/** They stand between a whole process and the network, and leave it as they found it. */
const interceptors = filesWith(/'nock'/)
/** What is changed there for a test is changed for a whole process. */
const alone = filesWith(/process\.on\(|'\.\/fuzz\.ts'/).filter(path => !interceptors.includes(path))

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    // More than the processors, as they wait; with seven, they take more of the processor and more time.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    retry,
    projects: [
      // Without isolation modules are read once a worker, not once a file: that is half of what short tests cost.
      project('together', ['{test,emulators}/**/*.test.ts'], {
        isolate: false,
        exclude: [...alone, ...interceptors],
      }),
      project('interceptors', interceptors, { isolate: false }),
      project('alone', alone, { isolate: true }),
    ],
  },
})
