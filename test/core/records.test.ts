/** Records outlive versions: those of a newer one are read, and keep what that one added. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { TriggerRecord, triggerFormat, triggerRecord } from '../../src/commands/trigger-record.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import { readMessages } from '../../src/core/record/messages.ts'
import { newRun, Run, runFormat } from '../../src/core/record/run.ts'
import { withUnread } from '../../src/queue/job-record.ts'
import { withoutGone } from '../support/gone-keys.ts'
import { ask, branch, instruction, issueThread, more, runWith, t0, working } from './given.ts'

type Keyed = Record<string, unknown>

interface Line {
  of: 'runs' | 'triggers'
  name: string
  record: Keyed
}

const linesOf = (file: string): Line[] =>
  readFileSync(new URL(`../data/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

/** Written by running bots. */
const lines = linesOf('records.jsonl')

const formats = { runs: runFormat, triggers: triggerFormat }

const read = (of: Line['of'], record: unknown): object => formats[of].parse(record)

const isKeyed = (value: unknown): value is Keyed =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Something new in every object of it, but in a list by key. */
function withMore(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMore)
  if (!isKeyed(value)) return value
  const inner = Object.entries(value).map(([key, item]) => [
    key,
    key === 'retries' ? item : withMore(item),
  ])
  return { ...Object.fromEntries(inner), newer: { than: 'this' } }
}

const stored = (record: unknown): Keyed => JSON.parse(JSON.stringify(record))

describe.each(lines)('a record of $of, $name', ({ of, record }) => {
  test('is read whole', () => expect(read(of, record)).toMatchObject(withoutGone(stored(record))))

  test('of a newer version is read, and keeps what that added anywhere', () => {
    const newer = withMore(record)
    const understood = read(of, newer)
    expect(understood).toEqual(read(of, record))
    expect(withUnread(newer, understood, { ...understood })).toMatchObject(stored(newer))
  })
})

const { v: _v, id: _id, thread: _thread, request: _request, ...parts } = working()
const whole = stored(working())
const fresh = stored(newRun(runWith()))

const partOf = (record: Keyed, part: string): Keyed => {
  const value = record[part]
  return isKeyed(value) ? value : expect.fail(`${part} is not there`)
}

describe('what is missing in a record has its default', () => {
  const optional = Object.keys(parts).filter(part => part !== 'baseline')
  test.each(optional)('a Run without %s', part => {
    const { [part]: _, ...rest } = whole
    expect(stored(Run.parse(rest))).toEqual({ ...rest, [part]: stored(Run.parse(rest))[part] })
  })

  const inner = Object.keys(parts).flatMap(part =>
    Object.keys(partOf(whole, part))
      .filter(key => key !== 'snapshot')
      .map(key => [part, key] as const),
  )
  test.each(inner)('a Run without %s.%s', (part, key) => {
    const { [key]: _, ...rest } = partOf(whole, part)
    const before = partOf(fresh, part)
    const value = key in before ? { [key]: before[key] } : {}
    expect(stored(Run.parse({ ...whole, [part]: rest }))).toEqual({
      ...whole,
      [part]: { ...rest, ...value },
    })
  })

  const deeper = [
    ['baseline', 'settings'],
    ['session', 'sessionLog'],
  ] as const
  const deepest = deeper.flatMap(([part, object]) =>
    Object.keys(partOf(partOf(whole, part), object))
      // Without it, a log is read anew.
      .filter(key => key !== 'prompts')
      .map(key => [part, object, key] as const),
  )
  test.each(deepest)('a Run without %s.%s.%s', (part, object, key) => {
    const { [key]: _, ...rest } = partOf(partOf(whole, part), object)
    const record = { ...whole, [part]: { ...partOf(whole, part), [object]: rest } }
    expect(stored(Run.parse(record))).toEqual(whole)
  })

  test.each(['repository', 'owner_per_day'])('a Run without settings.limits.%s', key => {
    const { baseline } = runWith()
    const { limits, ...settings } = baseline.settings
    const { [key]: _, ...rest } = stored(limits)
    const record = { ...whole, baseline: { ...baseline, settings: { ...settings, limits: rest } } }
    expect(Run.parse(record).baseline.settings.limits).toEqual(limits)
  })

  const flags = {
    comment: true,
    word: false,
    inline: 2,
    reaction: true,
    label: true,
    branch: false,
  }
  const done = ['conclude', 'react']
  test.each([
    [
      'a flag for each thing that is done at the end',
      { announced: flags },
      { done, inlineAnswered: 2 },
    ],
    ['such flags that are older than what is done', { announced: flags, done: [] }, { done: [] }],
  ])('%s', (_, report, read) => expect(Run.parse({ ...whole, report }).report).toMatchObject(read))

  test('flags for what was done before a round', () => {
    const previous = { outcome: { kind: 'answer' }, word: true }
    const { result } = Run.parse({ ...whole, result: { previous } })
    expect(result.previous).toEqual({
      outcome: { kind: 'answer' },
      done: ['conclude', 'last-word'],
    })
  })

  test('a trigger as it was first stored', () => {
    const trigger = lines.find(({ name }) => name === 'command')?.record.trigger
    const record = triggerFormat.parse({ trigger })
    expect(record).toEqual({ ...triggerRecord(record.trigger), taken: true })
  })
})

describe('of what can not be read, nothing is made up', () => {
  test.each<[string, object]>([
    ['outcome', { result: { outcome: { kind: 'merged-by-codex', sha: 'a' } } }],
    ['intent', { attempts: { intent: { kind: 'approve-spending', at: t0 } } }],
    [
      'status of the task run',
      { session: { taskRun: { ...working().session.taskRun, status: 'paused' } } },
    ],
  ])('an unknown %s', (_, change) =>
    expect(Run.safeParse({ ...stored(working()), ...change }).success).toBe(false),
  )

  test('an unknown trigger', () =>
    expect(TriggerRecord.safeParse({ trigger: { kind: 'poll', id: 'poll-1' } }).success).toBe(
      false,
    ))

  test('another number of the version is no reason', () =>
    expect(Run.parse({ ...stored(working()), v: 2 })).toEqual({ ...working(), v: 2 }))
})

describe('a message that this version does not know', () => {
  const unknown = JSON.stringify({ kind: 'permission', id: 'p', option: 'reject' })
  const known = JSON.stringify(more('a'))

  test('waits for one that does, and does not hold up the others', () => {
    const run = readMessages(working(), [unknown, known])
    expect(run).toMatchObject({
      mailbox: { messagesRead: 2, messagesUnread: [0], words: [instruction(), more('a')] },
    })
    expect(readMessages(run, [unknown, known])).toBe(run)
  })

  test('is read by the version that does', () => {
    const run = working({ mailbox: { messagesRead: 2, messagesUnread: [0] } })
    expect(readMessages(run, [known, unknown])).toMatchObject({
      mailbox: { messagesUnread: [], words: [instruction(), more('a')] },
    })
  })
})

describe('what was not understood of a record', () => {
  const kept = (was: object, read: object, next: object) => withUnread(was, read, next)
  test.each<[string, object, object, object, object]>([
    ['stays', { a: 1, x: 2 }, { a: 1 }, { a: 3 }, { a: 3, x: 2 }],
    ['does not bring back what was taken out', { a: 1, b: 2 }, { a: 1, b: 2 }, { a: 1 }, { a: 1 }],
    [
      'stays with its item when the list gets shorter',
      {
        l: [
          { id: 'a', x: 1 },
          { id: 'b', x: 2 },
        ],
      },
      { l: [{ id: 'a' }, { id: 'b' }] },
      { l: [{ id: 'b' }, { id: 'c' }] },
      { l: [{ id: 'b', x: 2 }, { id: 'c' }] },
    ],
    [
      'goes with what it was about',
      { i: { kind: 'deliver', x: 1 } },
      { i: { kind: 'deliver' } },
      { i: { kind: 'conclude' } },
      { i: { kind: 'conclude' } },
    ],
    [
      'stays where it could not be read',
      { a: 1, b: 'odd' },
      { a: 1, b: undefined },
      { a: 2 },
      { a: 2, b: 'odd' },
    ],
    ['gives way to what is known since', { b: 'odd' }, { b: undefined }, { b: 3 }, { b: 3 }],
  ])('%s', (_, was, read, next, then) => expect(kept(was, read, next)).toEqual(then))
})

describe('a marker of a newer version', () => {
  const signer = markerSigner('a webhook secret of thirty-two letters or more')
  const marker = {
    run: 'run-1',
    repo: 100,
    thread: 7,
    as: 'status' as const,
    task: 't',
    taskRun: 'r',
  }
  const read = (more: object) => signer.read(signer.write({ ...marker, ...more }), issueThread)

  test('is read as far as it is understood', () => {
    expect(read({ v: 2, newer: { than: 'this' } })).toEqual([marker])
    expect(read({ what: 'review', round: 'first' })).toMatchObject([marker])
    expect(read({ backup: { as: 'it never was' } })).toMatchObject([marker])
  })

  test('carries a backup without what has a default', () => {
    const backup = {
      request: { ...ask, origin: { kind: 'tick' } },
      words: 'w',
      branch,
      newer: true,
    }
    expect(read({ backup })[0]?.backup).toMatchObject({
      instructionSent: false,
      round: 0,
      reported: 0,
    })
  })
})
