/**
 * Types what the README tells a newcomer into a fresh clone, as it stands there. A command that this page does not know
 * is an error, so that no line of the README goes untried. `-- --quick` leaves out the tests, which take minutes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/support/free-port.ts'

type Ends =
  | { kind: 'says'; words: RegExp }
  | { kind: 'opens'; page: RegExp }
  | { kind: 'left out'; why: string }

const isQuick = process.argv.includes('--quick')
const known: Record<string, Ends> = {
  'npm ci && npm run demo': { kind: 'says', words: /pull request/ },
  'npm ci && npm start': { kind: 'opens', page: /GitHub App/ },
  'npm ci && npm test': isQuick
    ? { kind: 'left out', why: '--quick' }
    : { kind: 'says', words: /Tests .*passed/ },
  'npx codex-task-bot': { kind: 'left out', why: 'test/stories/packed.test.ts types it' },
}
const needsDocker = /^docker /

const readme = await readFile('README.md', 'utf8')
const blocks = [...readme.matchAll(/^ *```sh\n([\s\S]*?)\n *```$/gm)].map(([, text = '']) =>
  text.trim(),
)
const inSteps = [...readme.matchAll(/`(npm ci && npm start)`/g)].map(([, text = '']) => text)
const folder = await mkdtemp(join(tmpdir(), 'typed-readme-'))
const clone = join(folder, 'codex-task-bot')
try {
  await run(`git clone --quiet "${process.cwd()}" "${clone}"`, process.cwd())
  for (const line of [...blocks, ...inSteps].flatMap(text => text.split('\n')))
    await type(line.replace(/ # .*/, ''))
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function type(line: string): Promise<void> {
  const ends = needsDocker.test(line)
    ? ({ kind: 'left out', why: 'needs Docker' } as const)
    : known[line]
  if (!ends) throw new Error(`The README has a command that nobody tries: ${line}`)
  const begun = Date.now()
  switch (ends.kind) {
    case 'left out':
      return console.log(`–  ${line} (${ends.why})`)
    case 'says': {
      const output = await run(line, clone)
      if (!ends.words.test(output)) throw new Error(`${line} did not say ${ends.words}:\n${output}`)
      break
    }
    case 'opens':
      await opens(line, ends.page)
  }
  console.log(`✓  ${line} (${Math.round((Date.now() - begun) / 1_000)} s)`)
}

function typed(line: string, cwd: string, more: NodeJS.ProcessEnv = {}) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...more }
  const shell = spawn('sh', ['-c', line], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      shell.emit('words')
    })
  return { shell, said: () => output }
}

async function run(line: string, cwd: string): Promise<string> {
  const { shell, said } = typed(line, cwd)
  const [code] = await once(shell, 'close')
  if (code !== 0) throw new Error(`${line} ended with ${code}:\n${said()}`)
  return said()
}

/** Waits for the address that it prints, as somebody who is to open it does. */
async function opens(line: string, page: RegExp): Promise<void> {
  const { shell, said } = typed(line, clone, { PORT: String(await freePort()) })
  const closed = once(shell, 'close')
  try {
    let address: string | undefined
    while (!address) {
      if (shell.exitCode !== null) throw new Error(`${line} ended:\n${said()}`)
      await Promise.race([once(shell, 'words'), closed])
      address = /http:\/\/\S+/.exec(said())?.[0]
    }
    const key = await fetch(address, { redirect: 'manual' })
    const cookie = key.headers.getSetCookie().map(each => each.replace(/;.*/, ''))
    const response = await fetch(new URL(key.headers.get('location') ?? '', address), {
      headers: { cookie: cookie.join('; ') },
    })
    if (!response.ok || !page.test(await response.text()))
      throw new Error(`${address} shows no ${page}`)
  } finally {
    if (shell.pid !== undefined && shell.exitCode === null) process.kill(-shell.pid, 'SIGTERM')
    await closed
  }
}
