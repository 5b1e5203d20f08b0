/** What the Dockerfile does, done in a folder: the image is built and started by the workflow alone. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { spawnBot } from '../world/bot.ts'
import { startWorld, type World } from '../world/world.ts'

const root = join(import.meta.dirname, '../..')

interface Step {
  does: string
  what: string
}

const stepsOf = (stage: string): Step[] =>
  stage.split('\n').flatMap(line => {
    const [, does, what] = /^([A-Z]+) (.*)$/.exec(line.trim()) ?? []
    return does && what ? [{ does, what }] : []
  })

const [building = [], image = []] = readFileSync(join(root, 'Dockerfile'), 'utf8')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .trim()
  .split(/^(?=FROM )/m)
  .map(stepsOf)

const only = (stage: readonly Step[], does: string): string =>
  stage.find(step => step.does === does)?.what ?? expect.fail(`there is no ${does}`)

let folder: string
let world: World
beforeAll(async () => {
  // Not in memory: it has all modules, as links where that can be.
  folder = await mkdtemp('/var/tmp/codex-image-')
  world = await startWorld({ roles: [] })
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await world?.close()
})

const inBuild = (path: string) => join(folder, 'build', path.replace(/^\/app/, ''))
const inImage = (path: string) => join(folder, 'image', path.replace(/^\/app/, ''))

/** Files of the checkout that the build may see. */
const seen = readFileSync(join(root, '.dockerignore'), 'utf8')
  .split('\n')
  .flatMap(line => (line.startsWith('!') ? [line.slice(1)] : []))

function linked(from: string, to: string): void {
  if (spawnSync('cp', ['-al', from, to], { stdio: 'ignore' }).status === 0) return
  execFileSync('rm', ['-rf', to])
  execFileSync('cp', ['-a', from, to])
}

function install(): void {
  const from = realpathSync(join(root, 'node_modules'))
  const to = inBuild('node_modules')
  linked(from, to)
  // npm writes into this file, which would be the checkout's own.
  rmSync(join(to, '.package-lock.json'))
  cpSync(join(from, '.package-lock.json'), join(to, '.package-lock.json'))
}

function build(): void {
  mkdirSync(inBuild(''), { recursive: true })
  for (const { does, what } of building) {
    if (does === 'COPY') {
      const [to = '', ...from] = what.split(' ').reverse()
      for (const file of from) {
        expect(seen, file).toContain(file)
        cpSync(join(root, file), inBuild(from.length === 1 && to !== './' ? to : file), {
          recursive: true,
        })
      }
    }
    // What is installed is the same, and the registry may not be there.
    if (does === 'RUN' && what.startsWith('npm ci ')) install()
    else if (does === 'RUN' && what.startsWith('npm '))
      execFileSync('sh', ['-c', `${what} --offline`], { cwd: inBuild('') })
  }
}

function copy(): void {
  mkdirSync(inImage(''), { recursive: true })
  for (const { does, what } of image) {
    if (does !== 'COPY' || /\/(?:data|command) /.test(what)) continue
    const [to = '', ...from] = what
      .replace(/--(?:from|chown)=\S+ /g, '')
      .split(' ')
      .reverse()
    for (const path of from)
      if (what.startsWith('--from=build')) linked(inBuild(path), inImage(to))
      else {
        expect(seen, path).toContain(path)
        cpSync(join(root, path), inImage(path))
      }
  }
}

const megabytes = (path: string): number =>
  Number(execFileSync('du', ['-sm', '--apparent-size', path], { encoding: 'utf8' }).split('\t')[0])

describe('the image', () => {
  test('is no other than its steps say: of Node 24, without root, without a step that an emulated processor would do', () => {
    const pinned = String.raw`node:24\.[\d.]+-bookworm-slim@sha256:[0-9a-f]{64}`
    expect(only(image, 'FROM')).toMatch(new RegExp(`^${pinned}$`))
    expect(only(building, 'FROM')).toBe(`--platform=$BUILDPLATFORM ${only(image, 'FROM')} AS build`)
    const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
    expect(compose).toMatch(/^ {4}image: redis:8\.[\d.]+-alpine@sha256:[0-9a-f]{64}$/m)
    expect(only(image, 'USER')).toBe('node')
    expect(image.filter(({ does }) => does === 'RUN')).toEqual([])
  })

  test('is built, is small, starts, is healthy, stops when it is told to, and has the doctor', async () => {
    build()
    copy()
    expect(megabytes(inImage('node_modules'))).toBeLessThan(100)
    expect(existsSync(inImage('node_modules/vitest'))).toBe(false)
    const data = join(folder, 'data')
    mkdirSync(data)
    const port = await freePort()
    const given = Object.fromEntries(
      only(image, 'ENV')
        .split(' ')
        .map(each => each.split('=')),
    )
    const env = {
      PATH: process.env.PATH ?? '',
      ...given,
      ...world.env,
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: data,
    }
    expect(only(image, 'ENTRYPOINT')).toBe('["codex-task-bot"]')
    const main = building.flatMap(
      ({ what }) => /ln -s (\S+) \/command\/codex-task-bot$/.exec(what)?.[1] ?? [],
    )
    const args = [inImage(main[0] ?? '')]
    const bot = spawnBot(env, port, inImage(''), { args })
    const [, check = '[]'] = /CMD (\[.*\])$/.exec(only(image, 'HEALTHCHECK')) ?? []
    const [, ...probe]: string[] = JSON.parse(check)
    const isHealthy = () => spawnSync(process.execPath, probe, { env }).status === 0
    await bot.ready()
    expect(isHealthy(), bot.output()).toBe(true)
    expect((await fetch(`${bot.url}/schema/v1/codex.schema.json`)).status).toBe(200)
    expect(await bot.stop(), bot.output()).toBe(0)
    expect(isHealthy()).toBe(false)
    const doctor = spawnSync(process.execPath, [...args, 'doctor', '--json'], { env })
    expect(JSON.parse(`${doctor.stdout}`)).toContainEqual(
      expect.objectContaining({ name: 'configuration', ok: true }),
    )
  })
})
