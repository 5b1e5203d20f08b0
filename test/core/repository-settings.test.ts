import { expect, test } from 'vitest'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { problemsText } from '../../src/core/settings/settings-file.ts'
import { settingsOf } from '../support/deployment.ts'
import { threadTime } from '../support/thread-time.ts'

const defaultSettings = settingsOf()

test.each([
  ['permissions:\n  plan: write\n  run: read\n', 3, 'permissions.run'],
  ['allow:\n  users: ["*"]\n', 2, 'allow.users.0'],
  ['allow:\n  users: [maya]\n', 2, 'allow.users.0'],
  ['limits:\n  person: 3\n  owner: 9\n', 3, 'limits.owner'],
  ['limits:\n  owner_per_day: 9\n', 2, 'limits.owner_per_day'],
  ['- a\n- b\n', undefined, ''],
  ['model: [\n', 2, ''],
  [`# ${'x'.repeat(100_000)}`, undefined, ''],
])(
  'what is wrong is told with its line and key, and then the defaults hold: %j',
  (text, line, key) => {
    const { given, problems } = settingsFile.read(text)
    expect(given).toEqual({})
    expect(problems[0]).toMatchObject({ key })
    if (line !== undefined) expect(problems[0]?.line).toBe(line)
  },
)

test('the logins of Enterprise Managed Users have an underscore', () =>
  expect(settingsOf('allow: { users: ["sam_acme:12"] }').allow.users).toEqual(['sam_acme:12']))

test.each([undefined, '', '  \n', '# nothing\n', '{}'])('%j is no problem', text =>
  expect(settingsFile.read(text)).toMatchObject({ given: {}, problems: [] }),
)

test('what is right is taken, and the rest is as usual', () =>
  expect(settingsOf('model: gpt-5\npermissions: { run: maintain, help: write }\n')).toEqual({
    ...defaultSettings,
    model: 'gpt-5',
    permissions: { ...defaultSettings.permissions, run: 'maintain', help: 'write' },
  }))

test('all that is wrong is told at once, each with its line', () => {
  const { problems } = settingsFile.read(
    'modle: x\neffort: enormous\nlimits:\n  repository: -1\n  persn: 3\nlabels: constructor\n',
  )
  expect(problemsText(problems).split('; ')).toEqual([
    '.github/codex.yml, line 1: `modle` is not a setting',
    "line 2: `effort` can't be `enormous`: use `low`, `medium`, `high`, `xhigh` or `max`",
    "line 4: `limits.repository` can't be `-1`: use 0 or more",
    'line 5: `limits.persn` is not a setting',
    "line 6: `labels` can't be `constructor`: it must be a map of keys and values",
  ])
  expect(problemsText(settingsFile.read('a: [\nb: }\n').problems)).toContain('; ')
  const many = settingsFile.read(
    Array.from({ length: 40 }, (_, n) => `x${n}: 1`).join('\n'),
  ).problems
  expect(problemsText(many)).toMatch(/x9.+; and 30 more$/s)
})

test.each([
  ['model: 5', "`model` can't be `5`: it must be text"],
  ['permissions: { run: read }', 'must be write or more'],
  ['model: ""', "`model` can't be empty"],
  ['as_user: maybe', "`as_user` can't be `maybe`: it must be `true` or `false`"],
  ['limits: { person: many }', "`limits.person` can't be `many`: it must be a number"],
  ['limits: { person: 20000 }', "`limits.person` can't be `20000`: use 10000 or less"],
  ['models: gpt-5', "`models` can't be `gpt-5`: it must be a list"],
  ['model: [a]', "`model` can't be a list: it must be text"],
  ['effort: "a `b`\\n/codex stop"', "`effort` can't be `a b /codex stop`: use `low`"],
  ['model: a\nmodel: b', 'line 2: `model` stands here twice'],
  ['limits: {total: 1, "total": 2}', 'line 1: `total` stands here twice'],
  ['labels:\n  codex:ask: {}\n  codex:ask : {}', 'line 3: `codex:ask` stands here twice'],
  ['labels: { "a b": {} }', '`labels.a b` is no name that can stand here'],
])('%s is wrong in words', (text, words) =>
  expect(problemsText(settingsFile.read(text).problems)).toContain(words),
)

test.each(['constructor', 'toString', 'hasOwnProperty'])('%s is a name like any other', name => {
  expect(settingsFile.read(`${name}: {model: x}`).problems.map(({ key }) => key)).toEqual([name])
  const settings = settingsOf(`labels: {${name}: {model: x}}`)
  expect(Object.keys(settings.labels)).toEqual(['state', name])
  expect(Object.getPrototypeOf(settings.labels)).toBe(Object.prototype)
})

test.each([
  ['__proto__: {model: x}', 1, '__proto__'],
  [
    'mode: background\nlabels:\n  docs: {plan: true}\n  __proto__: {model: x}',
    4,
    'labels.__proto__',
  ],
  ['labels: {"__proto__": {model: 5}}', 1, 'labels.__proto__'],
  ['labels: {docs: {__proto__: x}}', 1, 'labels.docs.__proto__'],
  ['permissions: {__proto__: write}', 1, 'permissions.__proto__'],
])('%s: a name that no map can hold is a problem, told once', (text, line, key) =>
  expect(settingsFile.read(text)).toMatchObject({ given: {}, problems: [{ line, key }] }),
)

test('a file of twice what every setting takes is read, where the parser has much to do', () => {
  const lines = Array.from(
    { length: 200 },
    (_, index) => `  label-${index}: { instruction: as said }  # it\n`,
  )
  const text = `model: gpt-5.5\nlabels:\n${lines.join('')}`
  expect(text.length).toBeGreaterThan(8_000)
  expect(settingsFile.read(text).problems).toEqual([])
})

const repeated = (unit: string) => unit.repeat(Math.ceil(20_000 / unit.length)).slice(0, 20_000)

test.each([
  '{',
  '[',
  '- ',
  '- - \n',
  '? ',
  '{a: ',
  'a: &a [*a]\n',
  '!',
  '"',
  "'",
  '|\n',
  '%',
  ' a:\n',
  'a: b\n',
])('20,000 characters of %j are a problem in words, and hold nobody up', unit => {
  const began = threadTime()
  const { given, problems } = settingsFile.read(repeated(unit))
  const took = threadTime() - began
  expect(given).toEqual({})
  expect(problemsText(problems)).toMatch(/codex\.yml/)
  expect(took).toBeLessThan(400)
})

test('settings nest no deeper than anybody writes them', () =>
  expect(problemsText(settingsFile.read(`${'['.repeat(30)}${']'.repeat(30)}`).problems)).toContain(
    'deeper',
  ))
