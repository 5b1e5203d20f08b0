/** Who may import whom, read off the files. Nothing here knows what the files do. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sizes, tokensOf } from './support/sizes.ts'

const root = join(import.meta.dirname, '..')

const filesIn = (dir: string): string[] =>
  readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
    .map(name => join(dir, name))
    .filter(
      name =>
        /\.(tsx?|mts|js|mjs|sh|md|yml|yaml|json)$/.test(name) && !name.endsWith('.schema.json'),
    )
    .sort()

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')
const source = filesIn('src').filter(file => /\.tsx?$/.test(file))

interface Import {
  file: string
  /** `src/core/record/run.ts` or the name of a package. */
  from: string
}

const written =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

const importsOf = (file: string): Import[] =>
  [...textOf(file).matchAll(written)].map(([, one, two]) => {
    const from = one ?? two ?? ''
    return { file, from: from.startsWith('.') ? join(dirname(file), from) : from }
  })

const imports = source.flatMap(importsOf)

/** `core`, `flow`, `github` …; `config` and `main` for the files beside them. */
const partOf = (path: string): string =>
  (relative('src', path).split('/')[0] ?? '').replace(/\.ts$/, '')

const isOurs = ({ from }: Import): boolean => from.startsWith('src/')
const shown = ({ file, from }: Import): string => `${file} → ${from}`

/** Our own parts that a part may import. */
const mayImport: Record<string, readonly string[]> = {
  core: ['core'],
  config: ['core', 'deployment-file'],
  'process-environment': [],
  'deployment-file': ['core'],
  access: ['access', 'core'],
  commands: ['access', 'commands', 'core', 'runs'],
  news: ['access', 'commands', 'core', 'news', 'runs'],
  runs: ['access', 'core', 'runs'],
  maintenance: ['access', 'core', 'maintenance'],
  github: ['core', 'github'],
  posthog: ['core', 'posthog'],
  queue: ['core', 'queue'],
  web: ['core', 'own-package', 'web', 'config'],
  bot: [
    'bot',
    'access',
    'tenants',
    'web',
    'config',
    'deployment-file',
    'core',
    'doctor',
    'commands',
    'runs',
    'maintenance',
    'news',
    'github',
    'posthog',
    'queue',
    'readiness',
    'own-package',
    'settings-schemas',
  ],
  app: ['bot', 'config', 'github', 'process-environment'],
  doctor: [
    'commands',
    'config',
    'core',
    'doctor',
    'github',
    'posthog',
    'process-environment',
    'queue',
  ],
  'open-set-up': [
    'bot',
    'config',
    'core',
    'doctor',
    'github',
    'own-package',
    'process-environment',
    'web',
  ],
  tenants: ['config', 'core', 'posthog'],
  main: ['doctor', 'own-package', 'process-environment', 'run-bot'],
  'own-package': [],
  'run-bot': ['bot', 'config', 'open-set-up', 'process-environment'],
  readiness: ['core'],
  'settings-schemas': ['commands', 'core', 'github', 'own-package', 'web'],
}

test('the files are seen, and what they import', () => {
  expect(source).toContain('src/core/record/run.ts')
  expect(imports.map(shown)).toContain('src/core/record/apply-snapshot.ts → src/core/record/run.ts')
  expect(imports.map(shown)).toContain('src/core/record/run.ts → zod')
  expect(imports.length).toBeGreaterThan(source.length)
})

test('every part of src is in the table of who may import whom', () => {
  expect([...new Set(source.map(partOf))].filter(part => !(part in mayImport))).toEqual([])
})

describe('imports go one way', () => {
  test.each(Object.entries(mayImport))('%s imports %s', (part, allowed) => {
    const others = imports.filter(
      each => isOurs(each) && partOf(each.file) === part && !allowed.includes(partOf(each.from)),
    )
    expect(others.map(shown)).toEqual([])
  })

  test('web takes the settings from config, nothing else', () => {
    const lines = source
      .filter(file => partOf(file) === 'web')
      .flatMap(file => textOf(file).split('\n'))
    const taken = lines.filter(line => line.endsWith("from '../config.ts'"))
    expect(taken.filter(line => !line.startsWith('import type '))).toEqual([])
  })

  test('nothing in src leaves src, and none of it imports a test', () => {
    const outside = imports.filter(
      ({ from }) => from.startsWith('..') || /^(?:test|scripts|emulators|demo|dist)\//.test(from),
    )
    expect(outside.map(shown)).toEqual([])
  })
})

/** Each may import those before it. */
const layers = ['text', 'model', 'settings', 'command', 'record', 'agent', 'words']

describe('nobody has to read two files to understand one', () => {
  const layerOf = (path: string): number =>
    layers.indexOf(/^src\/core\/(\w+)\//.exec(path)?.[1] ?? '')

  test('the layers of core go one way', () => {
    const folders = new Set(source.filter(file => partOf(file) === 'core').map(layerOf))
    expect([...folders].sort()).toEqual(layers.map((_, index) => index))
    const upwards = imports.filter(each => isOurs(each) && layerOf(each.from) > layerOf(each.file))
    expect(upwards.filter(({ file }) => partOf(file) === 'core').map(shown)).toEqual([])
  })

  test('no file imports itself through others, not even types', () => {
    const needs = new Map(
      source.map(file => [file, imports.filter(each => each.file === file && isOurs(each))]),
    )
    const left = new Set(source)
    for (let before = 0; before !== left.size; ) {
      before = left.size
      for (const file of left)
        if (!needs.get(file)?.some(({ from }) => left.has(from))) left.delete(file)
    }
    expect([...left]).toEqual([])
  })
})

describe('what a process does not do, it does not load', () => {
  const late = /\bimport\(/
  const typesOnly = /^\s*(?:import|export)\s+type\s/
  const atOnce = (file: string): string[] =>
    [...textOf(file).matchAll(written)]
      .filter(([line]) => !late.test(line) && !typesOnly.test(line))
      .map(([, from = '']) => (from.startsWith('.') ? join(dirname(file), from) : from))
  const loadedBy = (file: string, known = new Set<string>()): Set<string> => {
    for (const from of atOnce(file).filter(each => !known.has(each))) {
      known.add(from)
      if (from.startsWith('src/')) loadedBy(from, known)
    }
    return known
  }
  const loaded = [...loadedBy('src/run-bot.ts')]

  test('the queue that is not used, proxies, colours, Probot', () => {
    const unused =
      /^(?:@electric-sql|ioredis$|undici|pino-pretty|probot)|(?:redis|embedded)-backend\.ts$/
    expect(loaded.filter(from => unused.test(from))).toEqual([])
  })

  test('the pages of the set-up, and those of admins', () => {
    expect(loaded.filter(from => /set-?up|^hono|admin\/|open-admin/.test(from))).toEqual([])
  })

  test('in a process that only takes webhooks, what works on them', () => {
    const work =
      /^(?:@octokit\/|src\/(?:runs|posthog|maintenance|access|doctor|github\/(?!webhooks|app-token\.ts)))/
    expect(loaded.filter(from => work.test(from))).toEqual([])
    expect(loaded).toContain('src/github/webhooks/webhook-endpoint.ts')
  })
})

/** The packages of each part. Core is pure: nothing there opens a file, a socket or a clock of its own. */
const packages: Record<string, RegExp> = {
  core: /^(?:zod|yaml|fastest-levenshtein|node:crypto|node:vm|mdast|mdast-util-[\w-]+|micromark-extension-gfm)$/,
  access: /^(?:zod|node:crypto)$/,
  commands: /^(?:zod|node:crypto)$/,
  runs: /^(?:zod|node:crypto)$/,
  maintenance: /^(?:zod|node:crypto)$/,
  config: /^(?:zod$|node:)/,
}

/** The one part that may know a package. */
const owners: Record<string, string> = {
  bullmq: 'queue',
  ioredis: 'queue',
  '@electric-sql/pglite': 'queue',
  '@octokit/rest': 'github',
  hono: 'web',
  '@hono/node-server': 'web',
  '@octokit/auth-app': 'github',
  'pino-pretty': 'web',
}

describe('packages stay where they belong', () => {
  test.each(Object.entries(packages))('%s', (part, allowed) => {
    const others = imports.filter(
      each => !isOurs(each) && partOf(each.file) === part && !allowed.test(each.from),
    )
    expect(others.map(shown)).toEqual([])
  })

  test.each(Object.entries(owners))('%s is known to %s alone', (name, owner) => {
    const users = imports.filter(({ from }) => from === name || from.startsWith(`${name}/`))
    expect(users.filter(({ file }) => partOf(file) !== owner).map(shown)).toEqual([])
  })
})

/** The one file that may know a package: what others write is parsed in a bounded place, and nowhere else. */
const parsers: readonly (readonly [RegExp, string])[] = [
  [/^(?:mdast|micromark)/, 'src/core/text/markdown.ts'],
  [/^yaml$/, 'src/core/text/yaml.ts'],
  [/^node:vm$/, 'src/core/text/event-loop.ts'],
]

test.each(parsers)('%s is known to %s alone', (name, file) => {
  const users = imports.filter(({ from }) => name.test(from)).map(each => each.file)
  expect([...new Set(users)]).toEqual([file])
})

const filesWith = (files: readonly string[], words: RegExp): string[] =>
  files.filter(file => words.test(textOf(file)))

test('only one file reads the environment', () => {
  expect(
    filesWith(source, /\bprocess\s*(?:\.\s*env\b|\[)/).filter(
      file => file !== 'src/process-environment.ts',
    ),
  ).toEqual([])
})

test('core has no clock and no chance of its own', () => {
  const core = source.filter(file => partOf(file) === 'core')
  expect(
    filesWith(
      core,
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\bsetTimeout\(|\bfetch\(/,
    ),
  ).toEqual([])
})

test('no two files of src have one name', () => {
  const names = source.map(file => file.split('/').at(-1))
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})

test('there is no drawer for odds and ends, and no barrel', () => {
  expect(
    source.filter(file =>
      /(?:^|\/)(?:utils?|helpers?|common|manager|misc|types|index)\.tsx?$/.test(file),
    ),
  ).toEqual([])
})

test('every file of src opens with what it is for', () => {
  expect(source.filter(file => !/^(?:#!.*\n)?\/\*\*/.test(textOf(file)))).toEqual([])
})

/** They only go down, too. */
const namesInFiles = { two: 80, three: 4 }

test('a name of the top level means one thing: it stands in one file', () => {
  const declared =
    /^(?:export )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm
  const files = new Map<string, number>()
  for (const file of source)
    for (const name of new Set([...textOf(file).matchAll(declared)].map(([, name = '']) => name)))
      files.set(name, (files.get(name) ?? 0) + 1)
  const inAtLeast = (count: number) => [...files].filter(([, many]) => many >= count)
  expect(inAtLeast(2).length).toBeLessThanOrEqual(namesInFiles.two)
  expect(inAtLeast(3).length).toBeLessThanOrEqual(namesInFiles.three)
})

/**
 * Tokens of code, and words of the docs. They only go down: what comes new is paid for by what goes, and what lowers one by
 * 2,000 lowers it here.
 */
const ceilings = { src: 280_000, test: 426_000, emulators: 84_000, wordsOfDocs: 16_000 }

test('there is no more to read than before', () => {
  const found = sizes()
  for (const part of ['src', 'test', 'emulators', 'wordsOfDocs'] as const)
    expect(found[part], part).toBeLessThanOrEqual(ceilings[part])
})

test('what is counted are tokens: no comment, no line', () => {
  expect(tokensOf("/* a */ const a = `b c` // d\n  + 'e f' * 1.5")).toEqual([
    'const',
    'a',
    '=',
    '`b c`',
    '+',
    "'e f'",
    '*',
    '1.5',
  ])
})

test('no literal is spread to put its keys on one line', () => {
  const packed = ['src', 'test', 'emulators', 'scripts', 'bench', 'demo']
    .flatMap(filesIn)
    .filter(file => /\.m?[tj]sx?$/.test(file) && !file.includes('node_modules'))
    .filter(file => /\.\.\.\{/.test(tokensOf(textOf(file)).join('')))
  expect(packed).toEqual([])
})
