/**
 * Whether the tests notice when what claims, decides, reconciles and waits is changed: `npm run mutate`.
 * Takes two hours, so it is no part of the check; one file, `npm run mutate -- -m FILE`, takes minutes. What only stories
 * tell survives, and so do texts that the compiler would refuse.
 */
import { readFileSync } from 'node:fs'

/** The lines of a file from one function's head to another's end, as Stryker wants them. */
function lines(file, first, last) {
  const text = readFileSync(file, 'utf8').split('\n')
  const headOf = name =>
    text.findIndex(line => new RegExp(`^(?:export )?(?:async )?function ${name}\\b`).test(line))
  const from = headOf(first)
  const to = text.indexOf('}', headOf(last))
  if (from === -1 || headOf(last) === -1) throw new Error(`${file} has no ${first} or no ${last}`)
  return `${file}:${from + 1}-${to + 1}`
}

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutate.config.ts', related: false },
  mutate: [
    'src/core/record/{next-step,apply-snapshot,turn-log,admission,timing,messages}.ts',
    'src/{runs/advance-run,maintenance/read-deliveries}.ts',
    lines('src/core/record/intents.ts', 'exactlyOnce', 'exactlyOnce'),
    'src/core/model/faults.ts',
  ],
  concurrency: 1,
  reporters: ['clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, allowEmojis: false },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  // Stryker's own reading of tsconfig.json needs an API that TypeScript 7 no longer has; nothing here is in need of it.
  tsconfigFile: 'none',
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['/dist', '/data', '/reports', '/coverage'],
  allowEmpty: false,
  thresholds: { high: 95, low: 90, break: 75 },
}
