import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runRequest, type TaskRunInput } from '../../src/core/agent/run-request.ts'
import {
  CodexTaskRunBody,
  CodexTaskRunCreate,
  efforts,
  PermissionMode,
  PrAuthorshipMode,
  RunSource,
} from '../../src/core/model/codex-task-run-create.ts'

interface Property {
  type?: string
  nullable?: boolean
  maxLength?: number
  format?: string
  default?: string
  description: string
  allOf?: [{ $ref: string }]
  items?: { type: string; maxLength: number }
}

/** PostHog's published contract, as it was handed to us. */
const contract: { properties: Record<string, Property>; required: string[] } = JSON.parse(
  readFileSync(new URL('codex-task-run-create.schema.json', import.meta.url), 'utf8'),
)

/** Its enums stand in the descriptions only: "* `low` - low". */
const enumOf = (property: Property) =>
  property.allOf &&
  [...property.description.matchAll(/^\* `([^`]+)`/gm)].map(([, value]) => value ?? '')

const least = { runtime_adapter: 'codex', model: 'gpt-5.6-sol' }
const takes = (given: object) => CodexTaskRunCreate.safeParse({ ...least, ...given }).success

/** A good value of every field. */
const good: Record<string, unknown> = {
  mode: 'interactive',
  branch: 'main',
  resume_from_run_id: 'b6c5f5a8-6a39-4f5e-9f0d-0f7a3a5a7a11',
  pending_user_message: 'fix it',
  pending_user_artifact_ids: ['a'],
  sandbox_environment_id: 'b6c5f5a8-6a39-4f5e-9f0d-0f7a3a5a7a11',
  pr_authorship_mode: 'bot',
  run_source: 'manual',
  signal_report_id: 's',
  runtime_adapter: 'codex',
  model: 'gpt-5.6-sol',
  reasoning_effort: 'low',
  github_user_token: 't',
  initial_permission_mode: 'auto',
}

/** As PostHog's serializer judges them. */
test.each<[model: string, takes: string]>([
  ['gpt-5', 'low medium high'],
  ['gpt-5.5', 'low medium high xhigh'],
  ['GPT-5.5', 'low medium high xhigh'],
  ['openai/gpt-5.5', 'low medium high xhigh'],
  ['gpt-5.5-codex', 'low medium high xhigh'],
  ['gpt-5.6-sol', 'low medium high xhigh max'],
  ['gpt-5.6-nova', 'low medium high'],
])('%s takes the efforts %s', (model, expected) => {
  const taken = efforts.filter(effort => takes({ model, reasoning_effort: effort }))
  expect(taken.join(' ')).toBe(expected)
})

describe('the schema is the contract', () => {
  test('it has exactly its fields, and auto_publish', () => {
    expect(Object.keys(CodexTaskRunCreate.shape).sort()).toEqual(
      [...Object.keys(contract.properties), 'auto_publish'].sort(),
    )
    expect(Object.keys(good).sort()).toEqual(Object.keys(contract.properties).sort())
  })

  test('it takes all fields at once and loses none', () =>
    expect(CodexTaskRunCreate.parse(good)).toEqual(good))

  test('a field that is not of the contract is refused', () =>
    expect(takes({ repository: 'acme/shop' })).toBe(false))

  test('required: exactly what the contract requires', () => {
    const required = Object.keys(good).filter(name => {
      const { [name]: _, ...rest } = good
      return !CodexTaskRunCreate.safeParse(rest).success
    })
    expect(required.sort()).toEqual([...contract.required].sort())
  })

  describe.each(Object.entries(contract.properties))('%s', (name, property) => {
    test(property.nullable ? 'takes null' : 'refuses null', () =>
      expect(takes({ [name]: null })).toBe(property.nullable === true),
    )

    test.each([7, true, {}, [null]])('refuses %j', value =>
      expect(takes({ [name]: value })).toBe(false),
    )

    const values = enumOf(property)
    if (values)
      test(`takes ${values.join(', ')} and nothing else`, () => {
        expect(values.length).toBeGreaterThan(0)
        for (const value of values) expect([value, takes({ [name]: value })]).toEqual([value, true])
        for (const value of ['', values[0]?.toUpperCase(), 'other'])
          expect([value, takes({ [name]: value })]).toEqual([value, false])
      })

    const { maxLength } = property
    if (maxLength !== undefined)
      test(`takes ${maxLength} characters and not one more`, () => {
        expect(takes({ [name]: 'x'.repeat(maxLength) })).toBe(true)
        expect(takes({ [name]: 'x'.repeat(maxLength + 1) })).toBe(false)
      })

    const { items } = property
    if (items)
      test(`takes items of ${items.maxLength} characters and not one more`, () => {
        expect(takes({ [name]: [] })).toBe(true)
        expect(takes({ [name]: ['x'.repeat(items.maxLength), 'y'] })).toBe(true)
        expect(takes({ [name]: ['x'.repeat(items.maxLength + 1)] })).toBe(false)
      })

    if (property.format === 'uuid')
      test('takes UUIDs only', () => {
        expect(takes({ [name]: 'run-1' })).toBe(false)
        expect(takes({ [name]: '' })).toBe(false)
        // Version 7, as PostHog makes them.
        expect(takes({ [name]: '019b2c5e-1f6a-7cc3-98c4-dc0c0c07398f' })).toBe(true)
      })

    if (property.default !== undefined)
      test(`is ${property.default} when left out`, () =>
        expect(CodexTaskRunCreate.parse(least)).toHaveProperty(name, property.default))
    else
      test('is not there when left out', () => {
        const { [name]: _, ...rest } = good
        const parsed = CodexTaskRunCreate.safeParse(rest)
        if (parsed.success) expect(parsed.data).not.toHaveProperty(name)
      })
  })

  test('auto_publish takes true, false and null', () =>
    expect([true, false, null, 'yes'].map(value => takes({ auto_publish: value }))).toEqual([
      true,
      true,
      true,
      false,
    ]))

  test('the enums that others use are those of the contract, and what PostHog takes since', () => {
    const of = (name: string) => enumOf(contract.properties[name] ?? { description: '' })
    expect([...efforts]).toEqual(of('reasoning_effort'))
    expect(PermissionMode.options).toEqual([...(of('initial_permission_mode') ?? []), 'plan'])
    expect(PrAuthorshipMode.options).toEqual(of('pr_authorship_mode'))
    expect(RunSource.options).toEqual([...(of('run_source') ?? []), 'agent'])
  })
})

describe('the request of a run', () => {
  const id = 'b6c5f5a8-6a39-4f5e-9f0d-0f7a3a5a7a11'
  const issue: TaskRunInput = {
    branch: 'codex/issue-7-login-is-flaky',
    prompt: 'fix it',
    model: 'gpt-5.5',
    mode: 'background',
    authorship: 'bot',
  }
  const body = {
    mode: 'background',
    branch: 'codex/issue-7-login-is-flaky',
    pending_user_message: 'fix it',
    pr_authorship_mode: 'bot',
    run_source: 'manual',
    runtime_adapter: 'codex',
    model: 'gpt-5.5',
    auto_publish: true,
  }

  test.each<[string, Partial<TaskRunInput>, object]>([
    ['an issue', {}, body],
    ['a pull request', { branch: 'maya/login' }, { ...body, branch: 'maya/login' }],
    ['with an effort', { effort: 'high' }, { ...body, reasoning_effort: 'high' }],
    [
      'with half a character',
      { prompt: 'a\ud83d\0' },
      { ...body, pending_user_message: 'a\ufffd\ufffd' },
    ],
    ['that goes on', { resumeFrom: id }, { ...body, resume_from_run_id: id }],
    [
      'that only reads',
      { permission: 'read-only' },
      { ...body, initial_permission_mode: 'read-only', auto_publish: false },
    ],
    [
      'with full access',
      { permission: 'full-access' },
      { ...body, initial_permission_mode: 'full-access' },
    ],
    ['somebody is connected to', { mode: 'interactive' }, { ...body, mode: 'interactive' }],
    [
      'with attachments',
      { attachments: ['a', 'b'] },
      { ...body, pending_user_artifact_ids: ['a', 'b'] },
    ],
    ['with no attachment', { attachments: [] }, body],
    ['in a sandbox environment', { sandbox: id }, { ...body, sandbox_environment_id: id }],
    [
      'of a signal',
      { signalReport: 's' },
      { ...body, run_source: 'signal_report', signal_report_id: 's' },
    ],
    ['as a user', { authorship: 'user' }, { ...body, pr_authorship_mode: 'user' }],
    [
      'as a user with a token',
      { authorship: 'user', userToken: 't' },
      { ...body, pr_authorship_mode: 'user', github_user_token: 't' },
    ],
    ['as the bot, which needs no token', { userToken: 't' }, body],
  ])('%s', (_, differs, expected) => {
    const request = runRequest({ ...issue, ...differs })
    expect(request).toStrictEqual(expected)
    expect(JSON.parse(JSON.stringify(request))).toStrictEqual(expected)
  })

  test('no key is ever null or undefined, and the contract always takes it', () => {
    const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
    const word = (most: number) =>
      fc.string({ minLength: 1, maxLength: most }).filter(text => text.trim() !== '')
    const ask = fc.record({
      branch: word(255),
      prompt: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud83d half', 'nul\0')),
      model: fc.oneof(word(40), fc.constantFrom('gpt-5', 'gpt-5.6-sol')),
      mode: fc.constantFrom('background', 'interactive'),
      authorship: fc.constantFrom('bot', 'user'),
      effort: maybe(fc.constantFrom(...efforts)),
      resumeFrom: maybe(fc.uuid()),
      permission: maybe(fc.constantFrom(...PermissionMode.options)),
      attachments: maybe(fc.array(word(128), { maxLength: 3 })),
      sandbox: maybe(fc.uuid()),
      signalReport: maybe(word(40)),
      userToken: maybe(word(40)),
    })
    fc.assert(
      fc.property(ask, given => {
        const request = runRequest(given)
        for (const value of Object.values(request)) expect(value ?? null).not.toBeNull()
        expect(CodexTaskRunBody.parse(request)).toEqual(request)
      }),
    )
  })

  test.each<[string, Partial<TaskRunInput>]>([
    ['a branch that is too long', { branch: 'x'.repeat(256) }],
    ['a session that is no UUID', { resumeFrom: 'run-1' }],
    ['a sandbox that is no UUID', { sandbox: 'big' }],
    ['no model', { model: '' }],
    ['a branch of spaces', { branch: '  ' }],
  ])('%s is a fault of ours', (_, wrong) =>
    expect(() => runRequest({ ...issue, ...wrong })).toThrow(),
  )
})
