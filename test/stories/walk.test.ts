/** The walk of docs/install.md, word for word, in a copy of this repository as it is on a machine that never had the bot. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { browserAvailable, openWindow } from '../world/browser.ts'

const root = join(import.meta.dirname, '..', '..')
const page = await readFile(join(root, 'docs/install.md'), 'utf8')
const walk = page.split('## Walk through the set-up\n')[1]?.split('\n## ')[0] ?? ''

const commands = [...walk.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
)
const [install, services, start, doctor, issue, comment, look, ...others] = commands
const slips = [...walk.matchAll(/^\| `(.+?)` +\| ✗ (.+?) +\| (.+?) +\|$/gm)].map(
  ([, env = '', says = '', fix = '']) => ({
    env,
    says,
    fix,
  }),
)

let folder: string
const ports = new Map<string, string>()
const started: ChildProcess[] = []

/** On ports that nobody else has. */
const here = (text: string): string =>
  [...ports].reduce((words, [port, free]) => words.replaceAll(`:${port}`, `:${free}`), text)

/** Only what a new shell has. */
const env = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  PORT: ports.get('3000'),
  GITHUB_PORT: ports.get('4000'),
  POSTHOG_PORT: ports.get('4100'),
})

interface Terminal {
  /** Everything up to now, as soon as it has what is waited for. */
  says(wanted: RegExp): Promise<string>
}

function openTerminal(command: string): Terminal {
  const child = spawn('bash', ['-c', `${here(command)} 2>&1`], {
    cwd: folder,
    env: env(),
    detached: true,
  })
  started.push(child)
  let said = ''
  const ended = once(child, 'exit')
  child.stdout.setEncoding('utf8').on('data', text => (said += text))
  return {
    async says(wanted) {
      while (!wanted.test(said)) {
        if (child.exitCode !== null) throw new Error(`${command} ended: ${said}`)
        await Promise.race([once(child.stdout, 'data'), ended])
      }
      return said
    },
  }
}

const run = (command: string): Promise<{ code: number; output: string }> =>
  new Promise(resolve => {
    execFile('bash', ['-c', here(command)], { cwd: folder, env: env() }, (error, output) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output }),
    )
  })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'walk-'))
  for (const port of ['3000', '4000', '4100']) ports.set(port, String(await freePort()))
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  for (const file of listed
    .split('\n')
    .filter(name =>
      /^(?:package|tsconfig|app\.yml|src|emulators|scripts|test\/support)/.test(name),
    ))
    await cp(join(root, file), join(folder, file))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
})

afterAll(async () => {
  for (const { pid, exitCode, signalCode } of started)
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

describe.skipIf(!browserAvailable())('from a fresh machine to the first pull request', () => {
  test('set-up page, doctor, issue, pull request', async () => {
    expect([install, others]).toEqual(['npm ci', []])
    expect(await openTerminal(services ?? '').says(/Ctrl-C/)).toContain('phx_of_this_machine')

    const bot = openTerminal(start ?? '')
    const printed = await bot.says(/http:\S+token=\S+/)
    const window = await openWindow({ width: 1280, height: 900 })
    try {
      const { page } = window
      await page.goto(/http:\S+token=\S+/.exec(printed)?.[0] ?? '')
      for (const [, label = '', value = ''] of walk.matchAll(/“([^”]+)” is `([^`]+)`/g))
        await page.getByLabel(label).fill(here(value))
      for (const [, button = ''] of walk.matchAll(/“((?:Test|Review|Create|Start)[^”]*)”/g)) {
        if (button === 'Start the bot') {
          await page.getByRole('heading', { name: 'Checks' }).waitFor()
          expect(await page.getByText('✗').count()).toBe(0)
          expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain(
            'codex-task-bot',
          )
        }
        await page.getByRole('button', { name: button }).click()
      }
      await page.getByRole('heading', { name: 'The bot starts' }).waitFor()
    } finally {
      await window.close()
    }
    expect((await stat(join(folder, '.walk/.env'))).mode & 0o777).toBe(0o600)
    await bot.says(/: ready$/m)

    const examined = await run(doctor ?? '')
    expect(examined.output).toMatch(/Nothing is wrong\. 2 of \d+ are not known\.\n$/)
    expect(examined.output).toContain('codex-task-bot (App ')
    expect(examined.code).toBe(0)

    for (const asked of [issue, comment])
      expect((await run(asked ?? '')).output).toContain('"html_url"')
    await expect
      .poll(async () => (await run(look ?? '')).output, { timeout: 150_000, interval: 500 })
      .toBe('Codex opened draft\n')
  })

  test('five slips', () => expect(slips).toHaveLength(5))

  test.each(slips)('$env', async ({ env: wrong, says, fix }) => {
    const { code, output } = await run(`${wrong} ${doctor}`)
    const [name = '', detail = ''] = says.split(': ')
    const lines = output.split('\n')
    const at = lines.findIndex(line => line.startsWith(`✗ ${name} `))
    expect([code, lines[at]], output).toEqual([1, expect.stringContaining(detail)])
    expect(lines[at + 1]).toContain(fix)
    expect(output.match(/^✗/gm)).toHaveLength(1)
  })

  test('nothing is left of it', async () => {
    const [ofServices, ofBot] = started
    for (const child of [ofBot, ofServices]) {
      const ended = child && once(child, 'exit')
      if (child?.pid !== undefined) process.kill(-child.pid, 'SIGINT')
      await ended
    }
    const left = await readdir(folder)
    expect(left).toContain('package.json')
    for (const name of ['.walk', '.env', 'data']) expect(left).not.toContain(name)
  })
})
