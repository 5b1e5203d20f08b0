/** Done once before all tests: the bot is bundled for the processes of stories, and an embedded queue is made. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openQueues } from '../src/queue/open-queues.ts'
import { bundle, bundled } from './bundle.ts'

/** @returns what undoes it */
export async function setup(): Promise<() => Promise<unknown>> {
  const scratch = await scratchFolder()
  process.env.TMPDIR = scratch
  await Promise.all([buildBot(), makeQueue(scratch), makeCertificate(scratch)])
  return async () => {
    await rm(scratch, { recursive: true, force: true })
  }
}

const run = promisify(execFile)

async function buildBot(): Promise<void> {
  await bundle()
  process.env.BOT_ENTRY = join(bundled, 'main.js')
  process.env.QUEUE_CHILD = join(bundled, 'queue-child.js')
}

async function makeQueue(scratch: string): Promise<void> {
  const template = await mkdtemp(join(scratch, 'queue-template-'))
  const parse = (): never => {
    throw new Error('there are no jobs in a new queue')
  }
  const queues = await openQueues({ dataDir: template, triggers: { parse }, runs: { parse } })
  await queues.close(1_000)
  process.env.QUEUE_TEMPLATE = template
}

const memory = '/dev/shm'
const ours = 'codex-tests-'

/** A new embedded queue is forty megabytes: half a second of a processor on a disk, a twentieth of that in memory. */
async function scratchFolder(): Promise<string> {
  await removeLeftOvers()
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }))
  const scratch = await mkdtemp(
    join(bavail * bsize > 2 * 2 ** 30 ? memory : tmpdir(), `${ours}${process.pid}-`),
  )
  return scratch
}

/** Of runs that were killed: they would fill the memory. */
async function removeLeftOvers(): Promise<void> {
  const names = await readdir(memory).catch(() => [])
  const orphans = names.filter(name => {
    const pid = new RegExp(`^${ours}(\\d+)-`).exec(name)?.[1]
    return pid !== undefined && !existsSync(`/proc/${pid}`)
  })
  // A disk that a killed run mounted there may still be in use. The next run removes it.
  await Promise.allSettled(
    orphans.map(name => rm(join(memory, name), { recursive: true, force: true })),
  )
}

/** For servers of tests, on this machine. Node reads what to trust when it begins, so the processes of the tests come after. */
async function makeCertificate(scratch: string): Promise<void> {
  const folder = await mkdtemp(join(scratch, 'test-certificate-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const wanted = [
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-days',
    '2',
  ]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const made = run('openssl', ['req', '-x509', ...kind, ...wanted, '-keyout', key, '-out', cert])
  // Where there is no openssl, what needs a certificate says that it is skipped.
  await made.then(
    () => Object.assign(process.env, { TEST_CERTIFICATE: folder, NODE_EXTRA_CA_CERTS: cert }),
    () => {},
  )
}
