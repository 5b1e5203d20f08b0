/** Done once before all tests: the bot is built, as stories run what `npm start` does, and an embedded queue is made. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openQueues } from '../src/queue/open-queues.ts'
import { bundle, bundled } from './bundle.ts'

/** @returns what undoes it */
export async function setup(): Promise<() => Promise<void>> {
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
  })
  await bundle()
  const template = await mkdtemp(join(tmpdir(), 'queue-template-'))
  const parse = (): never => expectNoJobs()
  const queues = await openQueues({ dataDir: template, triggers: { parse }, runs: { parse } })
  await queues.close(1_000)
  process.env.QUEUE_TEMPLATE = template
  process.env.BOT_ENTRY = join(bundled, 'main.js')
  return () => rm(template, { recursive: true, force: true })
}

function expectNoJobs(): never {
  throw new Error('there are no jobs in a new queue')
}
