/** Records outlive versions, both ways: real ones of November 2026, and such as a newer version may write. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { TriggerRecord, triggerRecord } from '../../src/commands/trigger-record.ts'
import { markerSigner } from '../../src/core/model/marker.ts'
import { readMessages } from '../../src/core/run/messages.ts'
import { newRun, Run } from '../../src/core/run/run.ts'
import { withUnread } from '../../src/queue/unread-keys.ts'
import { ask, branch, issueThread, more, runWith, t0, working } from './given.ts'

type Keyed = Record<string, unknown>

interface Line {
  of: 'runs' | 'triggers'
  name: string
  record: Keyed
}

const lines: Line[] = readFileSync(new URL('../data/records-2026-11.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))

const schema = { runs: Run, triggers: TriggerRecord }

const isKeyed = (value: unknown): value is Keyed =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Something new in every object of it. */
function withMore(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMore)
  if (!isKeyed(value)) return value
  const inner = Object.entries(value).map(([key, item]) => [key, withMore(item)])
  return { ...Object.fromEntries(inner), newer: { than: 'this' } }
}

const stored = (record: unknown): Keyed => JSON.parse(JSON.stringify(record))

describe.each(lines)('a record of November 2026, $of $name', ({ of, record }) => {
  test('is read whole', () => {
    expect(schema[of].parse(record)).toMatchObject(record)
  })

  test('of a newer version is read, and keeps what that added anywhere', () => {
    const newer = withMore(record)
    const read = schema[of].parse(newer)
    expect(read).toEqual(schema[of].parse(record))
    expect(withUnread(newer, read, { ...read })).toMatchObject({ ...stored(newer) })
  })
})

describe('what is missing in a record has its default', () => {
  const needed = ['id', 'thread', 'ask', 'snapshot']
  const fresh = stored(newRun(runWith()))
  const whole = stored(working())
  const keys = Object.keys(Run.shape).filter(key => !needed.includes(key))
  test.each(keys)('a Run without %s', key => {
    const { [key]: _, ...rest } = whole
    expect(stored(Run.parse(rest))).toEqual({ ...rest, ...(key in fresh ? { [key]: fresh[key] } : {}) })
  })

  const parts = ['settings', 'told', 'heard'] as const
  const inner = parts.flatMap(part => Object.keys(working()[part] ?? {}).map(key => [part, key] as const))
  test.each(inner)('a Run without %s.%s', (part, key) => {
    const { [key]: _, ...rest } = stored(whole[part])
    expect(stored(Run.parse({ ...whole, [part]: rest }))).toEqual({ ...whole, [part]: whole[part] })
  })

  test.each(['repository', 'when_reached', 'owner_per_day'])('a Run without settings.limits.%s', key => {
    const { limits, ...settings } = runWith().settings
    const { [key]: _, ...rest } = stored(limits)
    expect(Run.parse({ ...whole, settings: { ...settings, limits: rest } }).settings.limits).toEqual(limits)
  })

  test('a trigger as it was first stored', () => {
    const trigger = lines.find(({ name }) => name === 'command')?.record.trigger
    expect(TriggerRecord.parse({ trigger })).toEqual(triggerRecord(TriggerRecord.parse({ trigger }).trigger))
  })
})

describe('of what can not be read, nothing is made up', () => {
  test.each<[string, object]>([
    ['outcome', { outcome: { is: 'merged-by-codex', sha: 'a' } }],
    ['intent', { intent: { effect: 'approve-spending', at: t0 } }],
    ['status of the task run', { taskRun: { ...working().taskRun, status: 'paused' } }],
  ])('an unknown %s', (_, change) => {
    expect(Run.safeParse({ ...stored(working()), ...change }).success).toBe(false)
  })

  test('an unknown trigger', () => {
    expect(TriggerRecord.safeParse({ trigger: { kind: 'poll', id: 'poll-1' } }).success).toBe(false)
  })

  test('but another number of the version is no reason', () => {
    expect(Run.parse({ ...stored(working()), v: 2 })).toEqual({ ...working(), v: 2 })
  })
})

describe('a message that this version does not know', () => {
  const unknown = JSON.stringify({ says: 'permission', id: 'p', option: 'reject' })
  const known = JSON.stringify(more('a'))

  test('waits for one that does, and does not hold up the others', () => {
    const run = readMessages(working(), [unknown, known])
    expect(run).toMatchObject({ notesRead: 2, notesUnread: [0], undelivered: [more('a')] })
    expect(readMessages(run, [unknown, known])).toBe(run)
  })

  test('is read by the version that does', () => {
    const run = working({ messagesRead: 2, messagesUnread: [0] })
    expect(readMessages(run, [known, unknown])).toMatchObject({ notesUnread: [], undelivered: [more('a')] })
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
  const marker = { run: 'run-1', repo: 100, thread: 7, as: 'status' as const, task: 't', taskRun: 'r' }
  const read = (more: object) => signer.read(signer.write({ ...marker, ...more }), issueThread)

  test('is read as far as it is understood', () => {
    expect(read({ v: 2, newer: { than: 'this' } })).toEqual([marker])
    expect(read({ what: 'review', round: 'first' })).toMatchObject([marker])
    expect(read({ backup: { as: 'it never was' } })).toMatchObject([marker])
  })

  test('carries a backup without what has a default', () => {
    const backup = { ask: { ...ask, origin: { by: 'tick' } }, words: 'w', branch, newer: true }
    expect(read({ backup })[0]?.backup).toMatchObject({
      notes: 0,
      from: 0,
      asked: false,
      round: 0,
      reported: 0,
    })
  })
})
