/** What is written for people, read against the code that it speaks of. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { commandRows, optionLines, readmeRows } from '../scripts/command-docs.ts'
import { envExample, environmentTable } from '../scripts/environment-docs.ts'
import { jsonSchemas, pagePath, settingsKeys, withSettings } from '../scripts/settings-schema.ts'
import { settingsFile } from '../src/commands/command-registry.ts'
import { readConfig, variables } from '../src/config.ts'
import { removedCommands } from '../src/core/command/near-miss.ts'
import { flagOf, infoOf, optionNames, optionsThat, presets } from '../src/core/command/options.ts'
import { CodexTaskRunBody } from '../src/core/model/codex-task-run-create.ts'
import { Rejected, type Service } from '../src/core/model/errors.ts'
import { failureOf } from '../src/core/record/failures.ts'
import {
  DeploymentSettings,
  readDeploymentSettings,
} from '../src/core/settings/deployment-settings.ts'
import { events } from '../src/github/webhooks/normalise.ts'
import { states } from '../src/web/admin/run-view.ts'
import { openMetrics } from '../src/web/metrics.ts'
import { privateKey } from './security/key.ts'
import { settingsOf } from './support/deployment.ts'

const root = join(import.meta.dirname, '..')
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')
const readme = textOf('README.md')
const pagesIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter(file => file.endsWith('.md'))
    .map(file => join(folder, file))
const pages = pagesIn('docs')
const documents = [...pagesIn('.'), ...pages, ...pagesIn('docs/adr'), 'docs/threads/README.md']

const using = textOf('docs/using.md')
const settingsPage = textOf(pagePath)

/** The text under a heading of the second rank. */
function section(text: string, title: string): string {
  const [, ...sections] = text.split(/^## /m)
  return sections.find(each => each.startsWith(`${title}\n`)) ?? expect.fail(`no section ${title}`)
}

const linesOf = (text: string, start: string): string[] =>
  text.split('\n').filter(line => line.startsWith(start))

/** The cells of the tables in a text, row by row, however wide the columns are. */
const rowsOf = (text: string): string[][] =>
  linesOf(text, '|')
    .map(row =>
      row
        .split(/(?<!\\)\|/)
        .map(cell => cell.trim())
        .slice(1, -1),
    )
    .filter(cells => !cells.every(cell => /^-+$/.test(cell)))

/** Fenced code of a language. */
function block(text: string, language: string): string {
  const [, code] = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(text) ?? []
  return code ?? expect.fail(`no ${language}`)
}

describe('the README', () => {
  test.each(['npm ci && npm run demo', 'npm ci && npm test'])('says %s, word for word', command => {
    expect(readme.split('\n')).toContain(command)
  })

  test('has 900 words at most, and so has SECURITY.md', () => {
    const wordsIn = (text: string): number => text.split(/\s+/).filter(word => word !== '').length
    expect(wordsIn(readme)).toBeLessThanOrEqual(900)
    expect(wordsIn(textOf('SECURITY.md'))).toBeLessThanOrEqual(900)
  })

  test('begins with what it is and a moving picture', () => {
    const [, what = '', picture = ''] = readme.split('\n\n')
    expect(what).toMatch(/^Write `\/codex /)
    expect(picture).toMatch(
      /^<picture>\n.*docs\/moving-dark\.png.*\n.*docs\/moving-light\.png.* alt="/,
    )
  })

  test('runs a container with the volume and the port of the image', () => {
    const image = textOf('Dockerfile')
    const volume = /^VOLUME (\S+)$/m.exec(image)?.[1]
    const port = /^EXPOSE (\d+)$/m.exec(image)?.[1]
    expect(readme).toContain(
      `docker run --rm -it -p 127.0.0.1:${port}:${port} -v codex-data:${volume} `,
    )
  })

  test('names the limits of a repository without settings', () => {
    const { cost_per_day, repository_per_day } = settingsOf().limits
    expect(readme).toContain(`after ${cost_per_day} US dollars or ${repository_per_day} runs a day`)
  })

  test('has the commands that are used most, in the words of the help: `npm run docs`', () => {
    expect(rowsOf(section(readme, 'Commands'))).toEqual(rowsOf(readmeRows.join('\n')))
  })

  test('shows settings that are valid', () => {
    expect(settingsFile.read(block(section(readme, 'Settings'), 'yaml')).problems).toEqual([])
  })
})

describe('the pages', () => {
  test.each(pages)('%s begins with what it is for', page => {
    expect(textOf(page)).toMatch(/^# .+\n\nThis page .+\n/)
  })

  test('of docs/ are all in llms.txt', () => {
    const linked = [...textOf('llms.txt').matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path)
    expect(linked).toEqual(expect.arrayContaining([...pages, 'README.md', 'SECURITY.md']))
  })

  test('shows every state of a run', () => {
    const graph =
      section(textOf('docs/architecture.md'), 'How it works').split('stateDiagram-v2')[1] ?? ''
    const shown = [...graph.matchAll(/^ +(?:\[\*\]|(\w+)) --> (\w+)/gm)].flatMap(([, from, to]) => [
      from,
      to,
    ])
    expect(new Set(shown.filter(state => state))).toEqual(new Set(Object.keys(states)))
  })

  test('names only scripts of package.json', () => {
    const { scripts } = JSON.parse(textOf('package.json'))
    const commands = documents.flatMap(file => [
      ...textOf(file).matchAll(/\bnpm (run [\w:-]+|start|test)\b/g),
    ])
    const named = commands.map(([, name = '']) => name.replace('run ', ''))
    expect(named.filter(name => !(name in scripts))).toEqual([])
  })
})

describe('what people read of today', () => {
  const today = documents.filter(file => file !== 'CHANGELOG.md' && !file.includes('/adr/'))
  const codeIn = (file: string): string[] =>
    [...textOf(file).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)

  test.each(today)('%s names no command that went, and counts no checks', file => {
    const codes = codeIn(file)
    const commands = codes.flatMap(code => /^\/codex ([a-z]+)$/.exec(code)?.[1] ?? [])
    expect(commands.filter(name => removedCommands.has(name))).toEqual([])
    expect(textOf(file)).not.toMatch(/\b(?:\d+ of \d+ (?:is|are)|\w+ checks with a tick)/)
  })
})

describe('the page on using the bot', () => {
  test('has the commands and options of the help: `npm run docs`', () => {
    expect(rowsOf(section(using, 'Commands'))).toEqual(rowsOf(commandRows.join('\n')))
    expect(linesOf(section(using, 'Options'), '- `--')).toEqual(optionLines)
  })

  test('names the options that a live session can not take over', () => {
    const [second = ''] = linesOf(section(using, 'More instructions'), 'An agent at work keeps')
    const named = [...second.matchAll(/`(--[\w-]+)`/g)].map(([, flag = '']) => flag)
    const waiting = [...optionsThat('second run'), ...optionsThat('start only')]
    expect([...new Set(named)].toSorted()).toEqual(waiting.map(flagOf).toSorted())
  })

  test('names the presets of the label', () => {
    const named = [...section(using, 'Labels').matchAll(/`codex:(\w+)`/g)].map(
      ([, preset]) => preset,
    )
    expect(named).toEqual([...presets])
  })
})

test.each([
  ['codex', /```yaml\n(# yaml-language-server: [^\n]*codex\.schema\.json\n[\s\S]*?)```/],
  ['settings', /```yaml\n(# yaml-language-server: [^\n]*settings\.schema\.json\n[\s\S]*?)```/],
] as const)(
  'an editor finds nothing wrong with the file of %s on the page of all settings',
  (name, shown) => {
    const ajv = new Ajv({ strict: false })
    const validate = ajv.compile(schemaOf(name))
    validate(parse(shown.exec(settingsPage)?.[1] ?? expect.fail('it is not there')))
    expect(validate.errors).toBeNull()
  },
)

test('each recipe is a file without a mistake, that differs from the defaults', () => {
  const recipes = section(settingsPage, 'Recipes')
  const titles = [...recipes.matchAll(/^\*\*(.+)\.\*\*/gm)].map(([, title]) => title)
  expect(titles).toEqual([
    'A small team',
    'A public repository',
    'A budget',
    'Plan first',
    'Review only',
  ])
  const files = [...recipes.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text)
  expect(files).toHaveLength(titles.length)
  for (const file of files) {
    expect(settingsFile.read(file)).toMatchObject({ problems: [] })
    expect(settingsOf(file)).not.toEqual(settingsOf())
  }
})

test('the recipes with roles leave nothing that starts work to who may only push', () => {
  const recipes = section(settingsPage, 'Recipes').split(/^\*\*/m)
  const roles = (title: string) =>
    settingsOf(block(recipes.find(each => each.startsWith(title)) ?? '', 'yaml')).permissions
  const working = ['run', 'approve', 'continue', 'retry']
  for (const title of ['A public repository', 'Plan first'])
    expect(working.map(name => roles(title)[name])).toEqual(working.map(() => 'maintain'))
  expect(roles('Plan first')).toMatchObject({ plan: 'write' })
  expect([...working, 'ask', 'plan'].map(name => roles('Review only')[name])).toEqual(
    Array(6).fill('admin'),
  )
  expect(roles('Review only')).toMatchObject({ review: 'write' })
})

test('the request to PostHog is there field by field, with the options that set one', () => {
  const [, ...rows] = rowsOf(section(settingsPage, 'The request to PostHog'))
  expect(rows.map(([field]) => field)).toEqual(
    Object.keys(CodexTaskRunBody.shape).map(key => `\`${key}\``),
  )
  const flags = optionNames.flatMap(name =>
    infoOf(name).field ? [[infoOf(name).field, flagOf(name)]] : [],
  )
  const setBy = (field = '') => rows.find(([each]) => each === `\`${field}\``)?.at(1)
  for (const [field, flag] of flags) expect(setBy(field)).toContain(`\`${flag}`)
})

test('the settings file that is shown is one', () => {
  const [, shown = ''] =
    /```yaml\n(# yaml-language-server: [^\n]*settings[^\n]*\nowners:[\s\S]*?)```/.exec(
      section(settingsPage, '`SETTINGS_FILE`'),
    ) ?? []
  const read = readDeploymentSettings(shown)
  expect(read).toMatchObject({
    kind: 'read',
    value: { owners: { 4711: { as_user: true } } },
  })
  // Every key is shown.
  const { shape } = DeploymentSettings
  expect(Object.keys(shape).filter(key => !shown.includes(`${key}:`))).toEqual([])
})

const unquoted = (code: string): string => code.replace(/^`(.*)`$/, '$1')

describe('the environment', () => {
  const least = {
    APP_ID: '5',
    PRIVATE_KEY: privateKey,
    WEBHOOK_SECRET: 'a-secret-of-ours-with-32-letters',
    POSTHOG_API_KEY: 'phx_a-key-of-ours',
    POSTHOG_PROJECT_ID: '42',
  }
  const rows = rowsOf(textOf('docs/environment.md'))
    .slice(1)
    .map(([name = '', value = '']) => ({
      name: unquoted(name),
      value: value === '–' ? undefined : unquoted(value),
    }))
  const example = [...textOf('.env.example').matchAll(/^(# )?([A-Z_]+)=(.*)$/gm)].map(
    ([, comment, name = '', value = '']) => ({ comment, name, value }),
  )

  const squeezed = (table: string): string => table.replace(/ +/g, ' ').replace(/-{3,}/g, '---')

  test('the page and .env.example say what the table of variables says: `npm run docs`', () => {
    expect(rows.map(({ name }) => name)).toEqual(variables)
    expect(squeezed(textOf('docs/environment.md'))).toContain(squeezed(environmentTable()))
    expect(textOf('.env.example')).toBe(envExample())
  })

  test('the defaults on the page are those of the code', () => {
    const stated = rows.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))
    expect(stated.length).toBeGreaterThan(8)
    for (const [name = '', value] of stated)
      expect([name, readConfig({ ...least, [name]: value })]).toEqual([name, readConfig(least)])
  })

  test('.env.example is right in what it shows', () => {
    const shown = example.filter(
      ({ name }) => !(name in least) && name !== 'PRIVATE_KEY_PATH' && name !== 'SETTINGS_FILE',
    )
    const env = Object.fromEntries(shown.map(({ name, value }) => [name, value]))
    expect(readConfig({ ...least, ...env })).toMatchObject({ kind: 'run' })
  })
})

const schemaOf = (name: 'codex' | 'settings'): object =>
  jsonSchemas().get(`schema/v1/${name}.schema.json`) ?? expect.fail(`no schema ${name}`)

describe('the settings of a repository', () => {
  const shown = block(section(settingsPage, '`.github/codex.yml`'), 'yaml')

  const withoutComments = (text: string): string =>
    text.replace(/^ *#.*\n/gm, '').replace(/ # [^'"\n]*$/gm, '')

  test('the page shows the defaults', () => {
    const said = withoutComments(shown)
    expect(settingsFile.read(said).problems).toEqual([])
    expect(settingsOf(said)).toEqual(settingsOf())
  })

  test('the page shows every key', () => {
    const all = withoutComments(
      shown
        .replace(/^# yaml-language-server.*$/m, '')
        .replace(/^( *)# (?=[a-z_]+: )|^#(?= {2,}[a-z_]+:)/gm, '$1')
        .replace(/^(\w+): \{\}/gm, '$1:'),
    )
    expect(settingsFile.read(all).problems).toEqual([])
    const has = (value: unknown, [key, ...below]: string[]): boolean =>
      key === undefined ||
      Object.entries(value ?? {}).some(
        ([name, inner]) => [name, '*'].includes(key) && has(inner, below),
      )
    const keys = settingsKeys().get('schema/v1/codex.schema.json') ?? []
    expect(keys.length).toBeGreaterThan(30)
    expect(keys.filter(key => !has(parse(all), key.split('.')))).toEqual([])
  })

  test.each([...jsonSchemas()])('%s is the one of the code', (path, schema) => {
    expect(JSON.parse(textOf(path)), 'npm run schema writes it').toEqual(schema)
  })

  test('the page has the tables, the example and the first lines of the code', () => {
    // Columns are as wide as the formatter makes them.
    const narrow = (page: string): string => page.replace(/-{3,}/g, '---').replace(/ {2,}/g, ' ')
    expect(narrow(settingsPage), 'npm run schema writes it').toBe(
      narrow(withSettings(settingsPage)),
    )
    for (const name of ['codex', 'settings'])
      expect(settingsPage.split('\n')).toContain(
        `# yaml-language-server: $schema=https://bot.example.com/schema/v1/${name}.schema.json`,
      )
  })

  test('nobody is named who is not known: this repository has no address yet', () => {
    for (const file of ['package.json', 'package-lock.json', 'docker-compose.yml', ...documents])
      expect(textOf(file), file).not.toMatch(/\bOWNER\b/)
  })

  test.each([
    ['users', 'Maya-1'],
    ['teams', 'Platform_Team.2'],
  ])('the schema for editors lets in the %s that the bot lets in', (key, name) => {
    const allow = { users: [], teams: [], [key]: [name] }
    expect(settingsFile.read(JSON.stringify({ allow }))).toMatchObject({
      given: { allow },
      problems: [],
    })
    const { properties } = JSON.parse(JSON.stringify(schemaOf('codex')))
    expect(name).toMatch(new RegExp(properties.allow.properties[key].items.pattern))
  })
})

test('app.yml subscribes to the events that are read', () => {
  expect(parse(textOf('app.yml')).default_events).toEqual(events)
})

describe('the page on what to do', () => {
  const refusals: [Service, number, string][] = [
    ...[401, 403, 404, 422].map((status): [Service, number, string] => ['github', status, '']),
    ...[400, 401, 403, 404, 429].map((status): [Service, number, string] => [
      'posthog',
      status,
      '',
    ]),
    ['posthog', 403, 'code_access_required'],
  ]
  test.each(refusals)('explains a refusal by %s, %i %s', (service, status, code) => {
    for (const taskId of [undefined, 'task-1']) {
      const { reason } = failureOf(new Rejected(service, status, code, ''), { session: { taskId } })
      expect(textOf('docs/troubleshooting.md')).toContain(reason.replace(/: $/, ''))
    }
  })
})

test('the page for operators has every metric', async () => {
  const none = { members: async () => [[]], query: async () => [] }
  const queues = { triggers: none, runs: none }
  const { text } = await openMetrics({
    role: 'all',
    queue: 'embedded',
    queues,
    now: Date.now,
  }).page()
  const metrics = [...text.matchAll(/^# HELP (codex_bot_\w+)/gm)].map(([, name]) => name)
  const named = [...textOf('docs/operating.md').matchAll(/`(codex_bot_\w+)`/g)].map(
    ([, name]) => name,
  )
  expect(new Set(named)).toEqual(new Set(metrics))
  const used = ['deploy/grafana-dashboard.json', 'deploy/alerts.yml'].flatMap(
    file => textOf(file).match(/codex_bot_\w+(?=[{)[])/g) ?? [],
  )
  expect(used.length).toBeGreaterThan(10)
  expect(used.filter(name => !metrics.includes(name.replace(/_bucket$/, '')))).toEqual([])
})

describe('the page on reliability', () => {
  const page = textOf('docs/reliability.md')
  const promises = [...page.matchAll(/^\| (?!Promise|---)(.+?) +\| (.+?) +\|$/gm)].map(
    ([, promise = '', shownBy = '']) => ({ promise, shownBy }),
  )
  const scenarios = readdirSync(join(root, 'test/chaos/scenarios'))
    .map(file => textOf(`test/chaos/scenarios/${file}`))
    .flatMap(text => [...text.matchAll(/^ {2}name: '([^']+)'/gm)].map(([, name = '']) => name))

  test.each(promises)('$promise', ({ shownBy }) =>
    expect(shownBy).toMatch(/\]\(\.\.\/test\/|chaos: “/),
  )

  test('names every scenario of chaos, and no other', () => {
    const named = promises.flatMap(({ shownBy }) =>
      [...shownBy.matchAll(/“([^”]+)”/g)].map(([, name]) => name),
    )
    expect(named.toSorted()).toEqual(scenarios.toSorted())
  })
})

test.each(['README.md', 'docs/reliability.md'])(
  '%s says with which real agent it was played',
  file => {
    const { dependencies } = JSON.parse(textOf('test/real-agent/package.json'))
    const [codex] = /\d+(?:\.\d+)+/.exec(dependencies['@openai/codex-linux-x64']) ?? []
    expect(textOf(file)).toContain(`@posthog/agent\` ${dependencies['@posthog/agent']}`)
    expect(textOf(file)).toContain(`Codex ${codex}`)
  },
)

describe('links', () => {
  /** As GitHub makes anchors of headings. */
  const anchorsOf = (file: string): string[] =>
    [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    )
  const links = documents.flatMap(file =>
    [...textOf(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(
      ([, path = '', anchor]) => ({
        file,
        path: path === '' ? file : relative(root, join(root, dirname(file), path)),
        anchor,
      }),
    ),
  )

  test.each(links)('$file → $path $anchor', ({ path, anchor }) => {
    expect(existsSync(join(root, path))).toBe(true)
    if (anchor !== undefined) expect(anchorsOf(path)).toContain(anchor)
  })
})

test('nothing here rests on what lies beside the repository', () => {
  // Not whole, as this file is looked at, too.
  const beside = [
    ['..', 'shared'],
    ['', 'work', 'shared'],
    ['', 'work', 'main'],
  ].map(parts => parts.join('/'))
  const skipped = new Set(
    ['.git', ...textOf('.gitignore').split('\n')].map(name => name.replace(/\/$/, '')),
  )
  const filesIn = (dir: string): string[] =>
    readdirSync(join(root, dir), { withFileTypes: true })
      .filter(({ name }) => !skipped.has(name))
      .flatMap(entry =>
        entry.isDirectory() ? filesIn(join(dir, entry.name)) : [join(dir, entry.name)],
      )
  expect(filesIn('.').filter(file => beside.some(path => textOf(file).includes(path)))).toEqual([])
})
