/** What is written for people, read against the code that it speaks of. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { commandDocs } from '../scripts/command-docs.ts'
import { environmentDocs } from '../scripts/environment-docs.ts'
import { settingsDocs, settingsKeys } from '../scripts/settings-schema.ts'
import { commands, settingsFile } from '../src/commands/command-registry.ts'
import { readConfig, variables } from '../src/config.ts'
import { flagOf, optionNames } from '../src/core/command/options.ts'
import { CodexTaskRunBody } from '../src/core/model/codex-task-run-create.ts'
import { readDeploymentSettings } from '../src/core/settings/deployment-settings.ts'
import { events } from '../src/github/webhooks/normalise.ts'
import { jsonSchema, schemaFiles } from '../src/settings-schemas.ts'
import { states } from '../src/web/admin/run-view.ts'
import { openMetrics } from '../src/web/metrics.ts'
import { privateKey } from './security/key.ts'
import { settingsOf } from './support/deployment.ts'

const root = join(import.meta.dirname, '..')
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
const pagesIn = (folder: string) =>
  readdirSync(join(root, folder))
    .filter(file => file.endsWith('.md'))
    .map(file => join(folder, file))
const pages = pagesIn('docs')
const documents = [...pagesIn('.'), ...pages, ...pagesIn('docs/adr'), 'docs/threads/README.md']
/** Those that tell of what was do not count. */
const today = documents.filter(file => file !== 'CHANGELOG.md' && !file.includes('/adr/'))
const codes = today.flatMap(file =>
  [...textOf(file).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
)

/** Columns are as wide as a formatter makes them. */
const dense = (text: string) => text.replace(/-{3,}/g, '---').replace(/\s+/g, '')

test.each([...commandDocs, ...environmentDocs, ...settingsDocs])(
  '%s is as `npm run docs` and `npm run schema` write it',
  (file, text) => expect(dense(textOf(file))).toBe(dense(text(textOf(file)))),
)

describe('the pages name what there is, and nothing else', async () => {
  const none = { members: async () => [[]], query: async () => [] }
  const metrics = openMetrics({
    role: 'all',
    queue: 'embedded',
    queues: { triggers: none, runs: none },
    now: Date.now,
  })
  const { text } = await metrics.page()
  const metricNames: string[] = text.match(/(?<=^# HELP )codex_bot_\w+/gm) ?? []
  const keys = [...settingsKeys().values()].flat()
  const others = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', '--name']
  const found = (form: RegExp) => codes.flatMap(code => code.match(form) ?? [])

  test.each<[what: string, page: string, all: readonly string[], named: string[]]>([
    ['variable', 'docs/environment.md', variables, found(/^[A-Z]+(?:_[A-Z]+)+(?==|$)/)],
    ['command', 'docs/using.md', commands.map(({ usage }) => usage), []],
    ['option', 'docs/using.md', optionNames.map(flagOf), found(/(?<=^|^\/codex .*)--[a-z-]+/g)],
    ['metric', 'docs/operating.md', metricNames, found(/^codex_bot_\w+/)],
    ['field of the request', 'docs/settings.md', Object.keys(CodexTaskRunBody.shape), []],
    [
      'setting',
      'docs/settings.md',
      [...new Set(keys.map(key => key.replace(/.*\W/, '')))].filter(name => name !== ''),
      [],
    ],
  ])('each %s is in %s', (_, page, all, named) => {
    const told = textOf(page)
    expect(all.filter(name => !told.includes(name))).toEqual([])
    expect(named.filter(name => !all.includes(name) && !others.includes(name))).toEqual([])
  })

  test('settings by their whole key', () => {
    const groups = new Set(keys.map(key => key.split('.')[0]))
    const named = found(/^[a-z_]+\.[a-z_]+$/).filter(key => groups.has(key.split('.')[0]))
    expect(named.length).toBeGreaterThan(10)
    const free = /^(?:permissions|labels)\./
    expect(named.filter(key => !keys.includes(key) && !free.test(key))).toEqual([])
  })

  test('metrics on the dashboard and in the alerts', () => {
    const used = ['deploy/grafana-dashboard.json', 'deploy/alerts.yml'].flatMap(
      file => textOf(file).match(/codex_bot_\w+?(?=(?:_bucket)?[{)[])/g) ?? [],
    )
    expect(used.length).toBeGreaterThan(10)
    expect(used.filter(name => !metricNames.includes(name))).toEqual([])
  })

  test('scripts of package.json', () => {
    const { scripts } = JSON.parse(textOf('package.json'))
    const named = today.flatMap(
      file => textOf(file).match(/(?<=\bnpm run )[\w:-]+|(?<=\bnpm )(?:start|test)\b/g) ?? [],
    )
    expect(named.filter(name => !(name in scripts))).toEqual([])
  })

  test('files', () => {
    const named = found(/^(?:src|test|scripts|deploy|docs|emulators|templates|schema)\/[\w/.-]+$/)
    expect(named.filter(path => !existsSync(join(root, path)))).toEqual([])
  })
})

/** As GitHub makes anchors of headings. */
const anchorsOf = (file: string) =>
  [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )

test.each(documents)('the links of %s lead somewhere inside this repository', file => {
  const links = textOf(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)
  const dead = [...links].filter(([, path = '', anchor]) => {
    const target = path === '' ? file : join(dirname(file), path)
    if (target.startsWith('..') || !existsSync(join(root, target))) return true
    return anchor !== undefined && !anchorsOf(target).includes(anchor)
  })
  expect(dead.map(([link]) => link)).toEqual([])
})

test('llms.txt has every page', () => {
  const linked = [...textOf('llms.txt').matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path)
  expect(linked).toEqual(expect.arrayContaining([...pages, 'README.md', 'SECURITY.md']))
})

test.each(['README.md', 'SECURITY.md'])('%s has 900 words at most', file =>
  expect(textOf(file).match(/\S+/g)?.length).toBeLessThanOrEqual(900),
)

test('the README says the limits without settings, and which real agent was played', () => {
  const { cost_per_day, repository_per_day } = settingsOf().limits
  const { dependencies } = JSON.parse(textOf('test/real-agent/package.json'))
  const [codex] = /\d+(?:\.\d+)+/.exec(dependencies['@openai/codex-linux-x64']) ?? []
  for (const words of [
    `after ${cost_per_day} US dollars or ${repository_per_day} runs a day`,
    `\`@posthog/agent\` ${dependencies['@posthog/agent']}, Codex ${codex}`,
  ])
    expect(textOf('README.md')).toContain(words)
})

test('the architecture shows every state of a run', () => {
  const [, graph = ''] = textOf('docs/architecture.md').split('stateDiagram-v2')
  const shown = graph.split('```')[0]?.match(/\w+(?= -->)|(?<=--> )\w+/g)
  expect(new Set(shown)).toEqual(new Set(Object.keys(states)))
})

test('app.yml subscribes to the events that are read', () =>
  expect(parse(textOf('app.yml')).default_events).toEqual(events))

test('.env.example is right in what it shows', () => {
  const shown = [...textOf('.env.example').matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)]
  const env = Object.fromEntries(shown.map(([, name = '', value = '']) => [name, value]))
  const read = readConfig({
    ...env,
    APP_ID: '5',
    PRIVATE_KEY: privateKey,
    PRIVATE_KEY_PATH: '',
    WEBHOOK_SECRET: 'a-secret-of-ours-with-32-letters',
    POSTHOG_API_KEY: 'phx_a-key-of-ours',
    POSTHOG_PROJECT_ID: '42',
    SETTINGS_FILE: '',
  })
  expect(read).toMatchObject({ kind: 'run' })
})

describe('settings that are shown', () => {
  const shown = documents.flatMap(file =>
    [...textOf(file).matchAll(/^ *```yaml\n([\s\S]*?)^ *```/gm)].map(([, text = '']) => text),
  )
  const defaults = shown.find(text => text.includes('codex.schema.json')) ?? ''
  const withEveryKey = defaults
    .replace(/^( *)# (?=[a-z_]+: )|^#(?= {2,}[a-z_]+:)/gm, '$1')
    .replace(/^(\w+): \{\}/gm, '$1:')

  test.each([...shown, withEveryKey, 'allow: {users: ["Maya-1:12"], teams: [Platform_Team.2]}'])(
    'are taken by the bot and by editors: %j',
    text => {
      const isOfDeployment = /^(?:owners|trigger|defaults):/m.test(text)
      const [ofRepository, ofDeployment] = schemaFiles
      const ajv = new Ajv({ strict: false })
      const file = (isOfDeployment ? ofDeployment : ofRepository) ?? expect.fail('no schema')
      ajv.validate(jsonSchema(file), parse(text) ?? {})
      expect(ajv.errors).toBeNull()
      if (isOfDeployment) expect(readDeploymentSettings(text)).toMatchObject({ kind: 'read' })
      else expect(settingsFile.read(text).problems).toEqual([])
    },
  )

  test('are the defaults, where they are said to be', () =>
    expect(settingsOf(defaults)).toEqual(settingsOf()))
})
