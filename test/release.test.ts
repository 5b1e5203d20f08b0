/** What is released, and what it is said to run on, read against the workflows that build and test it. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'

const root = join(import.meta.dirname, '..')
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

const Package = z.object({ version: z.string(), engines: z.object({ node: z.string() }) })
const { version, engines } = Package.parse(JSON.parse(textOf('package.json')))

const Lock = z.object({
  version: z.string(),
  packages: z.record(
    z.string(),
    z.object({
      dev: z.boolean().optional(),
      optional: z.boolean().optional(),
      devOptional: z.boolean().optional(),
    }),
  ),
})
const lock = Lock.parse(JSON.parse(textOf('package-lock.json')))

describe('one version', () => {
  test('in the lock, the changelog and the example for Kubernetes', () => {
    expect(lock.version).toBe(version)
    expect(textOf('CHANGELOG.md')).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')}$`, 'm'))
    expect(new Set(textOf('deploy/kubernetes.yml').match(/image: \S+/g))).toEqual(
      new Set([`image: codex-task-bot:${version}`]),
    )
  })

  test('whose changes the release takes from the changelog, and no others', () => {
    const changes = execFileSync(join(root, '.ci/changes'), [version], { encoding: 'utf8' })
    expect(changes).toContain('### Added')
    expect(changes).not.toMatch(/^## /m)
    expect(() => execFileSync(join(root, '.ci/changes'), ['0.0.0'], { stdio: 'pipe' })).toThrow()
  })
})

const workflows = readdirSync(join(root, '.github/workflows')).map(name => join('.github/workflows', name))

const Workflow = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      strategy: z.object({ matrix: z.record(z.string(), z.array(z.string())) }).optional(),
      steps: z.array(z.object({ uses: z.string().optional() })).optional(),
    }),
  ),
})
const jobsOf = (path: string) => Workflow.parse(parse(textOf(path))).jobs

test.each(workflows)('%s uses what is pinned', path => {
  const used = Object.values(jobsOf(path)).flatMap(({ steps = [] }) =>
    steps.flatMap(({ uses }) => uses ?? []),
  )
  for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
})

describe('what is written as supported is what is tested', () => {
  const { check, queues } = jobsOf('.github/workflows/ci.yml')
  const nodes = check?.strategy?.matrix.node ?? []
  const servers = queues?.strategy?.matrix.server ?? []

  test('Node', () => {
    expect(nodes[0]).toBe(/^>=(\d+\.\d+)\.\d+$/.exec(engines.node)?.[1])
    const [, inImage] = /^FROM node:(\d+)-slim$/m.exec(textOf('Dockerfile')) ?? []
    expect(nodes).toContain(inImage)
    expect(textOf('docs/operating.md')).toContain(`Node ${nodes.join(', ')}`)
  })

  test('the servers of the queue', () => {
    const names = servers.map(server =>
      server.replace(/^redis:/, 'Redis ').replace(/^valkey\/valkey:/, 'Valkey '),
    )
    expect(textOf('docs/operating.md')).toContain(names.join(', '))
    const [, composed] = /image: (redis:\d+)/.exec(textOf('docker-compose.yml')) ?? []
    expect(servers).toContain(composed)
  })
})

describe('what is deployed', () => {
  test('the example for Kubernetes has probes, no root and no secret', () => {
    const documents = parseAllDocuments(textOf('deploy/kubernetes.yml')).map(each => each.toJS())
    expect(documents.map(({ kind }) => kind)).toEqual(['ConfigMap', 'Deployment', 'Deployment', 'Service'])
    for (const { spec } of documents.filter(({ kind }) => kind === 'Deployment')) {
      const { containers, securityContext } = spec.template.spec
      expect(securityContext.runAsNonRoot).toBe(true)
      for (const container of containers) {
        expect(container.livenessProbe.httpGet.path).toBe('/healthz')
        expect(container.readinessProbe.httpGet.path).toBe('/readyz')
        expect(container.envFrom).toEqual([{ secretRef: { name: 'codex-task-bot' } }])
        const given = container.env.map(({ name }: { name: string }) => name)
        expect(given).toEqual(['ROLE', 'LOG_FORMAT', 'SETTINGS_FILE', 'PRIVATE_KEY_PATH'])
      }
    }
  })

  test('Compose has Redis, web and worker, with settings and key from outside', () => {
    const { services } = parse(textOf('docker-compose.yml'), { merge: true })
    expect(Object.keys(services)).toEqual(['web', 'worker', 'redis'])
    for (const name of ['web', 'worker']) {
      const { environment, volumes } = services[name]
      expect(environment.ROLE).toBe(name)
      for (const path of [environment.SETTINGS_FILE, environment.PRIVATE_KEY_PATH])
        expect(
          volumes.some((volume: string) => volume.endsWith(`:${path}:ro`)),
          path,
        ).toBe(true)
    }
  })
})

/** Bytes. */
const sizeOf = (folder: string): number =>
  readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    if (entry.isSymbolicLink()) return sum
    if (!entry.isDirectory()) return sum + statSync(path).size
    return entry.name === 'node_modules' ? sum : sum + sizeOf(path)
  }, 0)

test('what production needs is less than 100 MB, without telemetry', () => {
  const needed = Object.entries(lock.packages).filter(
    ([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional,
  )
  // Its API alone, which the metrics need.
  expect(needed.flatMap(([path]) => (/opentelemetry|bullmq-otel/.test(path) ? [path] : []))).toEqual([
    'node_modules/@opentelemetry/api',
  ])
  const bytes = needed.map(([path]) => sizeOf(join(root, path))).reduce((sum, each) => sum + each, 0)
  expect(bytes).toBeGreaterThan(20_000_000)
  expect(bytes).toBeLessThan(100_000_000)
})
