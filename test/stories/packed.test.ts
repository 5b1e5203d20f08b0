/** Somebody without a clone types `npx codex-task-bot`: the package, installed into an empty folder, and each of its words. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageFile from '../../package.json' with { type: 'json' }
import { freePort } from '../support/free-port.ts'
import { exhaustive } from '../support/tries.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const packing = exhaustive && (await registryAnswers())

async function registryAnswers(): Promise<boolean> {
  const asks = ['view', 'zod', 'version', '--fetch-retries=0', '--fetch-timeout=10000']
  return run('npm', asks).then(
    () => true,
    () => {
      console.warn('no npm registry answers: the package is not tried')
      return false
    },
  )
}

describe.skipIf(!packing)('the package', () => {
  let folder: string
  let files: string[]
  let megabytes: number
  const env = { PATH: process.env.PATH, HOME: process.env.HOME }

  const typed = async (...words: string[]) =>
    run('npx', ['--no-install', 'codex-task-bot', ...words], { cwd: folder, env }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code: Number(code), stdout, stderr }),
    )

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'packed-')))
    const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root })
    const [{ filename, files: all }] = JSON.parse(/^\[\n[\s\S]*/m.exec(packed.stdout)?.[0] ?? '')
    files = all.map(({ path }: { path: string }) => path)
    const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts']
    await run('npm', ['install', ...quietly, join(folder, filename)], { cwd: folder, env })
    const { stdout } = await run('du', ['-sm', join(folder, 'node_modules')])
    megabytes = Number.parseInt(stdout, 10)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('has what it needs to run, and nothing else', () => {
    const kinds = new Set(
      files.map(path => path.replace(/(?<=^dist\/|^schema\/|^templates\/).*/, '')),
    )
    expect([...kinds].sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'app.yml',
      'dist/',
      'package.json',
      'schema/',
      'templates/',
    ])
    expect(files.filter(path => /\.map$|bundled|\.ts$/.test(path))).toEqual([])
    // Of GitHub's types, 5 MB each, there is one copy for most: it is a dependency only for that.
    expect(megabytes).toBeLessThan(110)
  })

  test('says its version, its words, and that there is no other', async () => {
    expect(await typed('--version')).toEqual({
      code: 0,
      stdout: `${packageFile.version}\n`,
      stderr: '',
    })
    const help = await typed('help')
    expect(help.stdout).toContain('npx codex-task-bot doctor [--json]')
    expect(help.stdout).toContain(`are in ${folder}.`)
    expect(await typed('--help')).toEqual(help)
    for (const words of [['doctr'], ['start', 'now'], ['doctor', '--jsn']])
      expect(await typed(...words)).toEqual({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^There is no .* There are `start`, `doctor \[--json\]`/),
      })
  })

  test('its doctor names the command that was used', async () => {
    const { code, stdout } = await typed('doctor')
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining('Start the bot with `npx codex-task-bot`'),
    ])
    expect(JSON.parse((await typed('doctor', '--json')).stdout)).toMatchObject([{ ok: false }])
  })

  test.each([
    ['the folder in which it is typed', undefined, []],
    ['the folder that CODEX_BOT_HOME names', 'elsewhere', ['start']],
  ])('opens the set-up page, which writes into %s', async (_, place, words) => {
    const home = join(folder, place ?? '')
    await mkdir(home, { recursive: true })
    const child = spawn('npx', ['--no-install', 'codex-task-bot', ...words], {
      cwd: folder,
      env: { ...env, CODEX_BOT_HOME: place, PORT: String(await freePort()) },
      detached: true,
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', text => (said += text))
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(/http:\S+token=\S+/)
    const [paths, address] = said.split('Open this address')
    for (const path of ['.env', 'data']) expect(paths).toContain(`  ${join(home, path)}\n`)
    const opened = await fetch(/http:\S+/.exec(address ?? '')?.[0] ?? '', { redirect: 'manual' })
    expect(opened.status).toBe(303)
    const ended = once(child, 'close')
    process.kill(-(child.pid ?? 0), 'SIGTERM')
    await ended
    expect(await readdir(home)).not.toContain('.env')
  })
})
