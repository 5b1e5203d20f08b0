import { describe, expect, test } from 'vitest'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { readDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import { problemsText } from '../../src/core/settings/settings-file.ts'
import { settingsOf } from '../support/deployment.ts'
import { threadTime } from '../support/thread-time.ts'

const defaultSettings = settingsOf()

describe('what is wrong is told with its line and key, and then the defaults hold', () => {
  test.each([
    ['permissions:\n  plan: write\n  run: read\n', 3, 'permissions.run'],
    ['allow:\n  users: ["*"]\n', 2, 'allow.users.0'],
    ['- a\n- b\n', undefined, ''],
    ['model: [\n', 2, ''],
    [`# ${'x'.repeat(100_000)}`, undefined, ''],
  ])('%j', (text, line, key) => {
    const { given, problems } = settingsFile.read(text)
    expect(given).toEqual({})
    expect(problems[0]).toMatchObject({ key })
    if (line !== undefined) expect(problems[0]?.line).toBe(line)
  })
})

test('the logins of Enterprise Managed Users have an underscore', () =>
  expect(settingsOf('allow: { users: [maya_acme, "sam_acme:12"] }').allow.users).toEqual([
    'maya_acme',
    'sam_acme:12',
  ]))

test('a setting that is gone says what to do instead, in whichever file', () => {
  const text = `allow: {apps: [77]}
constructor: 1
labels: {docs: {branch: main}}
chatty: false
comments: check
when: {closed: continue}
head_moved: ask
branch: default
permissions: {queue: write}
limits:
  owner: 9
  owner_per_day: 9
  bots_per_thread_per_day: 3
  person_per_day: 3
  thread_per_day: 3
  repository_per_5_minutes: 3
  person_cost_per_day: 3
  owner_cost_per_day: 3
  when_reached: refuse
`
  const said = settingsFile.read(text).problems.map(({ key, message }) => `${key} ${message}`)
  expect(said).toMatchInlineSnapshot(`
    [
      "allow.apps is no setting any more: what an App comments is never a command. Delete it, and let a person with permission give the command",
      "constructor is not a setting",
      "labels.docs.branch is not a setting",
      "chatty is no setting any more: write \`comments: outcomes\` in place of \`chatty: false\`. Without either, all comments come",
      "comments can't be \`check\` any more: use \`outcomes\`, which posts as few comments",
      "when is no setting any more: a run always stops if its thread is closed, its comment is deleted or its label is taken off. Delete it. \`/codex retry\` goes on",
      "head_moved is no setting any more: the run starts, and its status says that somebody pushed. Delete it. \`/codex approve\` still refuses a plan of an older commit",
      "branch is no setting any more: work for an issue has a branch of its own. Delete it. \`base\` says where that starts, and \`/codex --branch NAME …\` works on another branch",
      "permissions.queue is no command any more. Delete it; \`/codex status\` says what a run waits for",
      "limits.owner can only be set in \`SETTINGS_FILE\`, by whoever runs the bot. Delete it here",
      "limits.owner_per_day can only be set in \`SETTINGS_FILE\`, by whoever runs the bot. Delete it here",
      "limits.bots_per_thread_per_day is no setting any more: bots start nothing. Delete it",
      "limits.person_per_day is no setting any more: only a loop reaches so many starts, and the bot holds it back without a setting. Delete it. \`person\` and \`repository_per_day\` limit what people start",
      "limits.thread_per_day is no setting any more: only a loop reaches so many starts, and the bot holds it back without a setting. Delete it. \`repository_per_day\` limits what people start",
      "limits.repository_per_5_minutes is no setting any more: only a loop reaches so many starts, and the bot holds it back without a setting. Delete it. \`repository_per_day\` limits what people start",
      "limits.person_cost_per_day is no setting any more. Write \`cost_per_day\`, which is for each repository, and set a billing limit in PostHog",
      "limits.owner_cost_per_day is no setting any more. Write \`cost_per_day\`, which is for each repository, and set a billing limit in PostHog",
      "limits.when_reached is no setting any more: at a limit, a run waits. Delete it. \`/codex stop\` ends the wait",
    ]
  `)
  const deployment = readDeploymentSettings(
    'owners: { 5: { limits: { when_reached: wait } } }\nlimits: { owner: 9 }\ndefaults: { comments: check, branch: issue }',
  )
  expect(deployment.kind === 'problems' && deployment.problems.map(({ key }) => key)).toEqual([
    'owners.5.limits.when_reached',
    'defaults.comments',
    'defaults.branch',
  ])
})

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

const repeated = (unit: string): string =>
  unit.repeat(Math.ceil(20_000 / unit.length)).slice(0, 20_000)

test.each([
  ...[
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
  ],
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
