/** What is released, and what it is said to run on, read against the workflows that build and test it. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { webhookPath } from '../src/web/http-server.ts'

const root = join(import.meta.dirname, '..')
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

const { version, main, engines, scripts } = JSON.parse(textOf('package.json'))
const lock = JSON.parse(textOf('package-lock.json'))

describe('one version', () => {
  test('in the lock, the changelog and the example for Kubernetes', () => {
    expect(lock.version).toBe(version)
    expect(textOf('CHANGELOG.md')).toMatch(
      new RegExp(`^## ${version.replaceAll('.', '\\.')}$`, 'm'),
    )
    expect(new Set(textOf('deploy/kubernetes.yml').match(/image: \S+/g))).toEqual(
      new Set([`image: codex-task-bot:${version}`]),
    )
  })

  test('of which the changelog says something', () => {
    const released = textOf('CHANGELOG.md').replace(/^## Unreleased\n(?:.|\n)*?(?=^## )/m, '')
    expect(says('.ci/changes', [version], { 'CHANGELOG.md': released })).toEqual([
      0,
      expect.stringMatching(/^### /m),
    ])
  })

  const older = '## 0.1.0\n\n- older\n'
  test.each<[what: string, changelog: string, said: [code: number, words: RegExp]]>([
    ['its changes and no others', `## 0.2.0\n\n- new\n\n${older}`, [0, /^- new\n$/]],
    [
      'its changes, with nothing unreleased',
      `## Unreleased\n\n## 0.2.0\n\n- new\n\n${older}`,
      [0, /^- new\n$/],
    ],
    [
      'nothing while something is unreleased',
      `## Unreleased\n\n- newest\n\n## 0.2.0\n\n- new\n`,
      [1, /newest/],
    ],
    ['nothing of what is not there', older, [1, /has nothing of 0\.2\.0/]],
  ])('whose release takes from the changelog %s', (_, changelog, [code, words]) => {
    expect(says('.ci/changes', ['0.2.0'], { 'CHANGELOG.md': changelog })).toEqual([
      code,
      expect.stringMatching(words),
    ])
  })
})

/** What a script of ours says, and its exit code, among these files. Those below `bin` stand for programs. */
function says(
  script: string,
  words: string[],
  files: Record<string, string>,
): [code: number | null, said: string] {
  const folder = folderOf(files)
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['--noprofile', '--norc', '-eo', 'pipefail', script, ...words],
    {
      cwd: folder,
      encoding: 'utf8',
      env: {
        PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
        GITHUB_REPOSITORY: 'Acme/codex-task-bot',
        GITHUB_ENV: join(folder, 'environment'),
      },
    },
  )
  return [status, stdout + stderr]
}

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  cpSync(join(root, '.ci'), join(folder, '.ci'), { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text, { mode: 0o755 })
  }
  return folder
}

const workflows = readdirSync(join(root, '.github/workflows')).map(name =>
  join('.github/workflows', name),
)

interface Step {
  name?: string
  uses?: string
  run?: string
  env?: Record<string, string>
}
interface Job extends Omit<Step, 'run'> {
  needs?: string
  strategy?: { matrix: Record<string, string[]> }
  steps?: Step[]
}
const jobsOf = (path: string): Record<string, Job> => parse(textOf(path)).jobs
const ci = '.github/workflows/ci.yml'
const mutation = '.github/workflows/mutation.yml'
const realAgent = '.github/workflows/real-agent.yml'
const release = '.github/workflows/release.yml'
const runsOf = (path: string) =>
  Object.values(jobsOf(path)).flatMap(({ steps = [], env }): { run: string; env: Step['env'] }[] =>
    steps.map(step => ({ run: step.run ?? '', env: { ...env, ...step.env } })),
  )

test.each(workflows)('%s uses what is pinned', path => {
  const used = Object.values(jobsOf(path)).flatMap(({ steps = [] }) =>
    steps.flatMap(({ uses }) => uses ?? []),
  )
  for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
})

test.each(workflows)('%s fails with any part of a pipe', path => {
  expect(parse(textOf(path)).defaults.run.shell).toBe('bash')
})

test('each test that CI names is one that it runs', () => {
  const tests = ['test', 'emulators'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
      name => `${folder}/${name}`,
    ),
  )
  for (const { run, env } of runsOf(ci)) {
    const [, words] = /^npx vitest run ([^|]*)/.exec(run) ?? []
    if (words === undefined) continue
    expect(env?.EXHAUSTIVE).toBe('1')
    const names = execFileSync('bash', ['-c', `printf '%s\\n' ${words}`], {
      encoding: 'utf8',
    }).split('\n')
    for (const name of names.filter(word => /^\w/.test(word)))
      expect(
        tests.filter(path => path.includes(name) && path.endsWith('.test.ts')),
        name,
      ).not.toEqual([])
  }
})

test('what is built on is updated: packages, actions, the base of the image', () => {
  const { updates } = parse(textOf('.github/dependabot.yml'))
  expect(updates.map((each: Record<string, unknown>) => each['package-ecosystem'])).toEqual([
    'npm',
    'github-actions',
    'docker',
  ])
})

describe('a release', () => {
  test.each<[what: string, workflow: string, run: RegExp, env?: object]>([
    ['is for both platforms', release, /buildx build .*--platform linux\/amd64,linux\/arm64/],
    ['says what is in it', release, /buildx build .*--sbom=true/],
    ['says who built it', release, /buildx build .*--provenance=mode=max/],
    ['is started as it was pushed', release, /^\.ci\/image "\$IMAGE@\$DIGEST"$/m],
    ['is signed', release, /^cosign sign --yes --recursive "\$IMAGE@\$DIGEST"$/m],
    ['comes from packages with signatures', ci, /^npm audit signatures$/],
    ['comes after the walks of a newcomer', ci, /^\.ci\/walks 20\.18\.1 22 24$/],
    [
      'comes after the playground in a browser',
      ci,
      /^npm run test:play$/,
      { REQUIRE_BROWSER: '1' },
    ],
    ['comes after chaos', ci, /^npm run chaos -- --minutes 5$/, { REQUIRE_REDIS: '1' }],
    [
      'comes after what GitHub’s engine renders',
      ci,
      /^npm run properties$/,
      { REQUIRE_CMARK: '1' },
    ],
    ['comes from tests that are tested', mutation, /^npm run mutate \| tee /],
    [
      'is played with the newest real agent',
      realAgent,
      /^npm run test:real \| tee /,
      { REAL_AGENT: 'newest', REQUIRE_REDIS: '1' },
    ],
  ])('%s', (_, workflow, wanted, env = {}) => {
    expect(runsOf(workflow).filter(({ run }) => wanted.test(run))).toEqual([
      { run: expect.any(String), env: expect.objectContaining(env) },
    ])
  })

  test('comes last: checked, built, started, signed, tagged', () => {
    const { check, release: released } = jobsOf(release)
    expect([check?.uses, released?.needs]).toEqual([`./${ci}`, 'check'])
    const all = released?.steps?.map(({ run }) => run).join('\n') ?? ''
    const order = [
      'buildx build',
      '.ci/image',
      'cosign sign',
      'imagetools create',
      'gh release create',
    ]
    expect(order.toSorted((one, other) => all.indexOf(one) - all.indexOf(other))).toEqual(order)
    for (const part of order) expect(all).toContain(part)
  })

  test('was started on both platforms before', () => {
    expect(jobsOf(ci).image?.strategy?.matrix.runner).toEqual(['ubuntu-24.04', 'ubuntu-24.04-arm'])
  })

  test('is mutated once a week', () => {
    expect(parse(textOf(mutation)).on.schedule).toEqual([
      { cron: expect.stringMatching(/^\d+ \d+ \* \* [0-6]$/) },
    ])
  })

  const step =
    jobsOf(release).release?.steps?.find(({ name }) => name === 'Version, and what is new')?.run ??
    ''
  const changelog = '## 0.2.0\n\n- new\n'
  test.each<[what: string, gh: string, changelog: string, code: number]>([
    ['begins where there is no tag', 'true', changelog, 0],
    ['begins where only a longer tag is', 'echo refs/tags/v0.2.0-rc.1', changelog, 0],
    ['is not done twice', 'echo refs/tags/v0.2.0', changelog, 1],
    ['is not done where nobody says what is tagged', 'false', changelog, 1],
    [
      'is not done with changes of no version',
      'true',
      `## Unreleased\n\n- newest\n\n${changelog}`,
      1,
    ],
  ])('%s', (_, gh, changes, code) => {
    const files = {
      'package.json': '{"version":"0.2.0"}',
      'CHANGELOG.md': changes,
      'bin/gh': `#!/bin/sh\n${gh}\n`,
      step,
    }
    expect(says('step', [], files)).toEqual([code, expect.anything()])
  })

  const layers = (...sizes: number[]) =>
    JSON.stringify({ layers: sizes.map(size => ({ size: size * 1_000_000 })) })
  const list = (...platforms: [os: string, architecture: string][]) =>
    JSON.stringify({
      manifests: platforms.map(([os, architecture]) => ({
        digest: `sha256:${architecture}`,
        platform: { os, architecture },
      })),
    })
  const both = list(['linux', 'amd64'], ['linux', 'arm64'], ['unknown', 'unknown'])
  test.each<[what: string, manifests: Record<string, string>, said: [code: number, words: RegExp]]>(
    [
      [
        'of less than 120 MB is started',
        { list: both, amd64: layers(40, 70), arm64: layers(40, 79) },
        [0, /amd64: 110 MB.*\narm64: 119 MB.*\nhealthy, not root/],
      ],
      [
        'of more is refused, on either platform',
        { list: both, amd64: layers(40, 70), arm64: layers(40, 81) },
        [1, /arm64: 121 MB.*\nmore than 120 MB/],
      ],
      [
        'for one platform is refused',
        { list: list(['linux', 'amd64']), amd64: layers(40) },
        [1, /it is for amd64/],
      ],
      ['of a size that nobody says is refused', { list: both, amd64: layers(40) }, [1, /./]],
      [
        'that is only here is measured as it would be packed',
        {},
        [0, /here: 0 MB.*\nhealthy, not root/],
      ],
    ],
  )('%s', (_, manifests, [code, words]) => {
    const files = Object.fromEntries(
      Object.entries(manifests).map(([name, text]) => [`manifests/${name}`, text]),
    )
    expect(
      says('.ci/image', [manifests.list === undefined ? 'bot' : 'bot@sha256:list'], {
        ...files,
        'bin/docker': docker,
      }),
    ).toEqual([code, expect.stringMatching(words)])
  })
})

/** A registry and a container that is healthy. */
const docker = `#!/bin/bash
last=\${!#}
case "$*" in
  'buildx imagetools inspect --raw bot@sha256:'*) cat "manifests/\${last##*:}" ;;
  *State.Health*) echo healthy ;;
  *State.ExitCode*) echo 0 ;;
  'exec container id -u') echo 1000 ;;
  'run '*) echo container ;;
esac
`

describe('what is written as supported is what is tested', () => {
  const { check, queues } = jobsOf(ci)
  const nodes = check?.strategy?.matrix.node ?? []
  const servers = queues?.strategy?.matrix.server ?? []

  test('Node', () => {
    expect(nodes[0]).toBe(/^>=(\d+\.\d+)\.\d+$/.exec(engines.node)?.[1])
    const [, inImage] = /^FROM node:(\d+)\.[\d.]+-bookworm-slim@/m.exec(textOf('Dockerfile')) ?? []
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
    expect(documents.map(({ kind }) => kind)).toEqual([
      ...['ConfigMap', 'Deployment', 'Deployment', 'Service'],
      ...['PodDisruptionBudget', 'Ingress', 'NetworkPolicy'],
    ])
    for (const { spec } of documents.filter(({ kind }) => kind === 'Deployment')) {
      const { containers, securityContext, volumes } = spec.template.spec
      expect(securityContext.runAsNonRoot).toBe(true)
      for (const container of containers) {
        expect(container.livenessProbe.httpGet.path).toBe('/healthz')
        expect(container.readinessProbe.httpGet.path).toBe('/readyz')
        expect(volumes.find(({ name }: { name: string }) => name === 'env').secret).toEqual({
          secretName: 'codex-task-bot',
        })
        const given = container.env.map(({ name }: { name: string }) => name)
        expect(given).toEqual(['ROLE', 'LOG_FORMAT', 'SETTINGS_FILE', 'ENV_FILE', 'METRICS_TOKEN'])
        const folder = container.volumeMounts.find(
          ({ name }: { name: string }) => name === 'env',
        ).mountPath
        expect(container.env).toContainEqual({ name: 'ENV_FILE', value: `${folder}/.env` })
      }
    }
  })

  test('its ports, paths and labels are those of its pods and of the bot', () => {
    const documents = parseAllDocuments(textOf('deploy/kubernetes.yml')).map(each => each.toJS())
    const of = (kind: string) => documents.filter(each => each.kind === kind)
    const [service] = of('Service')
    const [budget] = of('PodDisruptionBudget')
    const [policy] = of('NetworkPolicy')
    const [web, worker] = of('Deployment').map(({ spec }) => spec.template.metadata.labels)
    expect(service.spec.selector).toEqual(web)
    expect(budget.spec.selector.matchLabels).toEqual(web)
    for (const labels of [web, worker])
      expect(labels).toMatchObject(policy.spec.podSelector.matchLabels)
    const rules = of('Ingress').flatMap(({ spec }) => spec.rules)
    const paths = rules.flatMap(({ http }: { http: { paths: { path: string }[] } }) => http.paths)
    expect(paths.map(({ path }: { path: string }) => path)).toEqual([webhookPath, '/schema'])
  })

  test('the alarms: a dead bot of each role, an old trigger, the limit of GitHub, money', () => {
    const { groups } = parse(textOf('deploy/alerts.yml'))
    const rules: { expr: string; labels: { severity: string } }[] = groups[0].rules
    const of = (severity: string) =>
      rules.flatMap(rule => (rule.labels.severity === severity ? [rule.expr] : []))
    expect(of('page')).toEqual([
      'absent(codex_bot_build_info{role=~"all|web"})',
      'absent(codex_bot_build_info{role=~"all|worker"})',
      'min(codex_bot_queue_up) == 0',
      'sum(increase(codex_bot_webhooks_total{answer="unavailable"}[10m])) > 0',
      'max(codex_bot_queue_oldest_seconds{queue="triggers"}) > 300',
    ])
    expect(of('ticket')).toEqual(
      expect.arrayContaining([
        expect.stringContaining('codex_bot_rate_limit_remaining'),
        'sum(increase(codex_bot_run_dollars_total[1d])) > 100',
      ]),
    )
    const panels = textOf('deploy/grafana-dashboard.json').match(/"expr": .*/g) ?? []
    expect(panels.filter(expr => expr.includes('run_dollars_total'))).toHaveLength(2)
  })

  test('its secrets are made as kubectl makes them: of variables or of a file', () => {
    const made = textOf('deploy/kubernetes.yml').match(/(?<=kubectl create secret generic ).*/g)
    expect(made).toEqual([
      'codex-task-bot --from-file=.env',
      'codex-task-bot-metrics --from-literal=METRICS_TOKEN="$(openssl rand -hex 32)"',
    ])
  })

  test('the unit of systemd starts what is built, with its data where it may write', () => {
    const unit = textOf('deploy/codex-task-bot.service')
    expect(unit).toContain(`\nExecStart=/usr/bin/node --enable-source-maps ${main}\n`)
    expect(scripts.start).toBe(`exec node --enable-source-maps ${main}`)
    expect(existsSync(join(root, main.replace('dist', 'src').replace('.js', '.ts')))).toBe(true)
    const [, home = '', page = ''] = /^Documentation=file:\/\/(.*?)\/(docs\/.*)$/m.exec(unit) ?? []
    expect(unit).toContain(`\nWorkingDirectory=${home}\n`)
    expect(existsSync(join(root, page)), page).toBe(true)
    const [, folder] = /^StateDirectory=(.*)$/m.exec(unit) ?? []
    expect(unit).toContain(` DATA_DIR=/var/lib/${folder}\n`)
  })

  test('Compose has Redis, two web processes and a worker, with settings and key from outside', () => {
    const { services } = parse(textOf('docker-compose.yml'), { merge: true })
    expect(Object.keys(services)).toEqual(['web', 'worker', 'redis'])
    expect([services.web.deploy.replicas, services.web.ports]).toEqual([
      2,
      ['127.0.0.1:3000-3001:3000'],
    ])
    expect(services.redis).toMatchObject({ logging: services.web.logging, mem_limit: '768m' })
    for (const name of ['web', 'worker']) {
      const { environment, volumes, logging, mem_limit } = services[name]
      expect(environment.ROLE).toBe(name)
      expect([logging.options['max-size'], mem_limit]).toEqual([
        '10m',
        expect.stringMatching(/^\d+m$/),
      ])
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

test('what production needs is less than 100 MB', () => {
  const needed = Object.entries<Record<string, boolean>>(lock.packages).filter(
    ([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional,
  )
  const bytes = needed
    .map(([path]) => sizeOf(join(root, path)))
    .reduce((sum, each) => sum + each, 0)
  expect(bytes).toBeGreaterThan(20_000_000)
  expect(bytes).toBeLessThan(100_000_000)
})
