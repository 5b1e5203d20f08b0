/** What is released, and what it is said to run on, read against what builds, tests and deploys it. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { variables } from '../src/config.ts'
import { settingsSchemaPath } from '../src/core/settings/settings-file.ts'
import { addressOf } from '../src/own-package.ts'
import { webhookPath } from '../src/web/http-server.ts'

const root = join(import.meta.dirname, '..')
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

const { version, bin, engines, scripts } = JSON.parse(textOf('package.json'))

test('one version in the lock, the changelog and the example for Kubernetes', () => {
  expect(JSON.parse(textOf('package-lock.json')).version).toBe(version)
  expect(textOf('CHANGELOG.md')).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')}$`, 'm'))
  const images = textOf('deploy/kubernetes.yml').match(/(?<=image: )\S+/g)
  expect(new Set(images)).toEqual(new Set([`ghcr.io/acme/codex-task-bot:${version}`]))
})

test('the guide that help leads to is the page of this version', () => {
  const url = 'git+https://github.com/acme/bot.git'
  const page = `https://github.com/acme/bot/blob/v${version}/docs/using.md`
  expect(addressOf('docs/using.md', url)).toBe(page)
  expect(existsSync(join(root, 'docs/using.md'))).toBe(true)
})

const older = '## 0.1.0\n\n- older\n'
test.each<[what: string, changelog: string, code: number, words: RegExp]>([
  ['its changes and no others', `## 0.2.0\n\n- new\n\n${older}`, 0, /^- new\n$/],
  ['nothing before that has a version', '## Unreleased\n\n- newest\n\n## 0.2.0\n', 1, /newest/],
  ['nothing of what is not there', older, 1, /has nothing of 0\.2\.0/],
])('a release takes from the changelog %s', (_, changelog, code, words) => {
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  cpSync(join(root, '.ci'), join(folder, '.ci'), { recursive: true })
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog)
  const said = spawnSync(join(folder, '.ci/changes'), ['0.2.0'], { encoding: 'utf8' })
  expect(said.status).toBe(code)
  expect(said.stdout + said.stderr).toMatch(words)
})

interface Job {
  uses?: string
  needs?: string
  strategy?: { matrix: Record<string, string[]> }
  steps?: { uses?: string; run?: string }[]
}
const workflows = readdirSync(join(root, '.github/workflows'))
const jobsOf = (name: string): Record<string, Job> =>
  parse(textOf(`.github/workflows/${name}`)).jobs
const jobs = workflows.flatMap(name => Object.values(jobsOf(name)))
const steps = jobs.flatMap(job => job.steps ?? [])

describe('the workflows', () => {
  test('use what is pinned, and fail with any part of a pipe', () => {
    for (const { uses } of steps) expect(uses ?? '@'.padEnd(41, '0')).toMatch(/@[0-9a-f]{40}$/)
    for (const name of workflows)
      expect(parse(textOf(`.github/workflows/${name}`)).defaults.run.shell).toBe('bash')
  })

  test('name scripts and tests that are there', () => {
    const runs = steps.flatMap(({ run }) => run?.split('\n') ?? [])
    const named = runs.flatMap(run => run.match(/(?<=^npm run )[\w:-]+/) ?? [])
    expect(named.filter(name => !(name in scripts))).toEqual([])
    const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    const wanted = runs.flatMap(run => {
      const [words = ''] = /(?<=^npx vitest run )[^|]*/.exec(run) ?? []
      const echoed = spawnSync('bash', ['-c', `printf '%s\\n' ${words}`], { encoding: 'utf8' })
      return echoed.stdout.match(/(?<=^test\/).+/gm) ?? []
    })
    expect(wanted.length).toBeGreaterThan(5)
    expect(wanted.filter(name => !tests.some(path => path.startsWith(name)))).toEqual([])
  })

  test('release what was checked', () => {
    const { check, release } = jobsOf('release.yml')
    expect([check?.uses, release?.needs]).toEqual(['./.github/workflows/ci.yml', 'check'])
  })

  test('test what is said to be supported', () => {
    const { check, queues } = jobsOf('ci.yml')
    const nodes = check?.strategy?.matrix.node ?? []
    const servers = queues?.strategy?.matrix.server ?? []
    expect(nodes[0]).toBe(/^>=(\d+\.\d+)/.exec(engines.node)?.[1])
    expect(nodes).toContain(/^FROM node:(\d+)/m.exec(textOf('Dockerfile'))?.[1])
    expect(servers).toContain(/image: (redis:\d+)/.exec(textOf('docker-compose.yml'))?.[1])
    const names = servers.map(name =>
      name.replace(/^redis:/, 'Redis ').replace(/^valkey\/valkey:/, 'Valkey '),
    )
    for (const words of [`Node ${nodes.join(', ')}`, names.join(', ')])
      expect(textOf('docs/operating.md')).toContain(words)
  })
})

test.each([
  ['git+https://github.com/acme/codex-task-bot.git', `acme/codex-task-bot/v${version}`],
  ['https://github.com/acme/bot', `acme/bot/v${version}`],
])('a package of %s has the schema for editors there', (url, place) => {
  expect(addressOf(settingsSchemaPath, url)).toBe(
    `https://raw.githubusercontent.com/${place}/${settingsSchemaPath}`,
  )
  expect(existsSync(join(root, settingsSchemaPath))).toBe(true)
  // Before the image is built, and the package packed.
  const runs = (jobsOf('release.yml').release?.steps ?? []).map(({ run = '' }) => run)
  const found = (words: string) => runs.findIndex(run => run.includes(words))
  expect(found('npm pkg set repository')).toBeLessThan(found('docker buildx build'))
})

describe('what is deployed', () => {
  const kinds = parseAllDocuments(textOf('deploy/kubernetes.yml')).map(each => each.toJS())
  const specsOf = (kind: string) => kinds.filter(each => each.kind === kind).map(({ spec }) => spec)

  test('sets only variables of the bot', () => {
    const services: { environment?: object }[] = Object.values(
      parse(textOf('docker-compose.yml'), { merge: true }).services,
    )
    const named = [
      ...services.flatMap(({ environment }) => Object.keys(environment ?? {})),
      ...(textOf('deploy/kubernetes.yml').match(/(?<=- (?:\{ )?name: )[A-Z_]+/g) ?? []),
      ...(textOf('deploy/codex-task-bot.service').match(/(?<=^Environment=.*)[A-Z_]+(?==)/gm) ??
        []),
    ]
    expect(named.length).toBeGreaterThan(8)
    const ofNode = ['NODE_ENV']
    expect(named.filter(name => ![...variables, ...ofNode].includes(name))).toEqual([])
  })

  test('the pods of Kubernetes have probes, are not root, and are found by their labels', () => {
    const pods = specsOf('Deployment').map(({ template }) => template)
    for (const { spec } of pods) {
      expect(spec.securityContext.runAsNonRoot).toBe(true)
      const [{ livenessProbe, readinessProbe }] = spec.containers
      expect(livenessProbe.httpGet.path).toBe('/healthz')
      expect(readinessProbe.httpGet.path).toBe('/readyz')
    }
    const labels = pods.map(({ metadata }) => metadata.labels)
    const [web] = labels
    expect(specsOf('Service')[0].selector).toEqual(web)
    expect(specsOf('PodDisruptionBudget')[0].selector.matchLabels).toEqual(web)
    for (const each of labels)
      expect(each).toMatchObject(specsOf('NetworkPolicy')[0].podSelector.matchLabels)
    const ports = specsOf('NetworkPolicy')[0].egress.flatMap((way: { ports: { port: number }[] }) =>
      way.ports.map(({ port }) => port),
    )
    const told = /^# .* ports? ([\d, and]+) only/m.exec(textOf('deploy/kubernetes.yml'))?.[1]
    expect(told?.match(/\d+/g)?.map(Number)).toEqual([...new Set(ports)])
    const [ingress] = specsOf('Ingress')
    expect(JSON.stringify(ingress)).toContain(`"path":"${webhookPath}"`)
  })

  test('systemd, the image and `npm start` start the command of the package', () => {
    const [command = '', file = ''] = Object.entries<string>(bin)[0] ?? []
    expect(scripts.start).toBe(`exec node ${file}`)
    expect(textOf('deploy/codex-task-bot.service')).toMatch(
      new RegExp(
        `^#   npm install --global --prefix (\\S+) ${command}$[^]*^ExecStart=\\1/bin/${command}$`,
        'm',
      ),
    )
    expect(textOf('Dockerfile')).toContain(`ln -s /app/${file} /command/${command}`)
    expect(existsSync(join(root, file.replace('dist', 'src').replace('.js', '.ts')))).toBe(true)
  })
})
