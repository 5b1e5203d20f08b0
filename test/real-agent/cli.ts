/**
 * `npm run test:real` plays the stories of the real agent, and installs it before if it is not there; words after `--` go
 * to vitest. With REAL_AGENT=newest, it takes the newest versions that are published.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { install, installNewest } from './install.ts'
import { here, root, runsFolder, versions } from './installed.ts'
import { withoutNetwork } from './loopback.ts'

if (process.env.REAL_AGENT === 'newest') installNewest()
else install()
console.log(`the real agent: ${JSON.stringify(versions())}`)
rmSync(runsFolder, { recursive: true, force: true })
process.chdir(root)
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', join(here, 'vitest.config.ts')]
process.exitCode = await withoutNetwork(
  process.execPath,
  [...vitest, ...process.argv.slice(2)],
  process.env,
)
