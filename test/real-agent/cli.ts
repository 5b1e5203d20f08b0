/**
 * `npm run test:real` plays the stories of the real agent, and installs it before if it is not there; words after `--` go
 * to vitest. `npm run real -- record NAME…`, or `record all`, makes recordings anew, and `compare` says what
 * would change in them. With REAL_AGENT=newest, all take the newest versions that are published.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { install, installNewest } from './install.ts'
import { here, root, runsFolder, versions } from './installed.ts'
import { withoutNetwork } from './loopback.ts'

const [verb = 'test', ...words] = process.argv.slice(2)

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', join(here, 'vitest.config.ts')]

const verbs: Readonly<Record<string, () => Promise<number> | number>> = {
  test: () => {
    rmSync(runsFolder, { recursive: true, force: true })
    return inside([...vitest, ...words])
  },
  record: () => inside(['--import', 'tsx', join(here, 'record-cli.ts'), 'record', ...words]),
  compare: () => inside(['--import', 'tsx', join(here, 'record-cli.ts'), 'compare', ...words]),
  install: () => 0,
}

function inside(args: string[]): Promise<number> {
  process.chdir(root)
  return withoutNetwork(process.execPath, args, process.env)
}

if (process.env.REAL_AGENT === 'newest') installNewest()
else install()
console.log(`the real agent: ${JSON.stringify(versions())}`)
const run = verbs[verb]
if (!run) throw new Error(`no such verb: ${verb}`)
process.exitCode = await run()
