/**
 * Records outlive versions. `test/data/0.4.0` has what 0.4.0 wrote, the first version: runs, triggers and markers as
 * stories wrote them, a status comment for each run, and a message of each kind. Later versions read all of it. Records
 * of a newer version are read, too, and keep what that added.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { TriggerRecord, triggerFormat, triggerIndex } from '../../src/commands/trigger-record.ts'
import { RunMessage } from '../../src/core/record/mailbox-part.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import { parseMessage, readMessages } from '../../src/core/record/messages.ts'
import { nextStep } from '../../src/core/record/next-step.ts'
import { UnusedBranch } from '../../src/core/record/own-pull-request.ts'
import { restored } from '../../src/core/record/recovery-record.ts'
import { Run, runFormat } from '../../src/core/record/run.ts'
import { defaultSettings } from '../../src/core/settings/repository-settings.ts'
import { statusComment } from '../../src/core/words/status.ts'
import { withUnread } from '../../src/queue/job-record.ts'
import {
  ask,
  branch,
  deployment,
  instruction,
  issueThread,
  more,
  runWith,
  t0,
  working,
} from './given.ts'

const Keyed = z.record(z.string(), z.unknown())
type Keyed = z.infer<typeof Keyed>
const Stored = z.object({ name: z.string(), record: Keyed })
const Written = z.object({
  name: z.string(),
  thread: z.object({ repoId: z.number(), number: z.number() }),
  marker: Keyed,
  comment: z.string(),
})

const linesOf = <T>(schema: z.ZodType<T>, file: string): T[] =>
  readFileSync(join(import.meta.dirname, '../data/0.4.0', file), 'utf8')
    .trim()
    .split('\n')
    .map(line => schema.parse(JSON.parse(line)))

const isKeyed = (value: unknown): value is Keyed => Keyed.safeParse(value).success

/** Lists by key, and what is no schema's. */
const asTheyAre = ['retries', 'heads', 'pullsReadAt', 'prefetched']

/** Something new in every other object of it. */
function withMore(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMore)
  if (!isKeyed(value)) return value
  const inner = Object.entries(value).map(([key, item]) => [
    key,
    asTheyAre.includes(key) ? item : withMore(item),
  ])
  return { ...Object.fromEntries(inner), newer: { than: 'this' } }
}

const stored = (record: unknown): Keyed => JSON.parse(JSON.stringify(record))

/** With more in it than its format knows, it is understood as without that, and saved with it. */
function isReadOfANewer(format: { parse(data: unknown): object }, record: Keyed): void {
  const newer = withMore(record)
  const understood = format.parse(newer)
  expect(understood).toEqual(format.parse(record))
  expect(withUnread(newer, understood, { ...understood })).toMatchObject(stored(newer))
}

describe('what 0.4.0 wrote', () => {
  test.each(linesOf(Stored, 'runs.jsonl'))('a Run, $name: goes on', ({ record }) => {
    const run = runFormat.parse(record)
    expect(run).toMatchObject(record)
    expect(nextStep(run, { at: t0, text: 'same' }).kind).toEqual(expect.any(String))
    expect(statusComment(run, deployment, t0)).toMatch(/^### /)
    isReadOfANewer(runFormat, record)
  })

  test.each(linesOf(Stored, 'triggers.jsonl'))('a trigger, $name: is found', ({ record }) => {
    const read = triggerFormat.parse(record)
    expect(read).toMatchObject(record)
    expect(triggerIndex.entries({ data: read, addedAt: t0 }).length > 0).toBe(
      'thread' in read.trigger,
    )
    isReadOfANewer(triggerFormat, record)
  })

  const messages = linesOf(Stored, 'messages.jsonl')
  test.each(messages)('a message, $name', ({ record }) =>
    expect(parseMessage(JSON.stringify(record))).toEqual(record),
  )

  test('of each kind of message there is one', () => {
    const kinds = RunMessage.options.flatMap(({ shape }) => [...shape.kind.values])
    expect(new Set(messages.map(({ record }) => record.kind))).toEqual(new Set(kinds))
  })

  test.each(linesOf(Stored, 'errands.jsonl'))('an errand, $name', ({ record }) =>
    expect(UnusedBranch.parse(record)).toEqual(record),
  )

  const signer = markerSigner('the marker key of the fixtures of versions')
  test.each(linesOf(Written, 'markers.jsonl'))('a marker, $name', ({ thread, marker, comment }) =>
    expect(signer.read(comment, thread)).toMatchObject([marker]),
  )

  test.each(linesOf(Written, 'comments.jsonl'))(
    'a status comment, $name: its Run is found again',
    ({ thread, marker, comment }) => {
      const read = signer.read(comment, thread)[0] ?? expect.fail('the marker is not read')
      expect(read).toMatchObject(marker)
      const backup = read.backup ?? expect.fail('it carries no recovery record')
      const again = restored(
        {
          id: read.run,
          backup,
          made: read.made,
          commentId: 1,
          thread: issueThread,
          snapshot: { title: 'Login is flaky', body: 'It fails.', author: 'sam', open: true },
          settings: defaultSettings,
          pulls: [],
          untended: [],
          session: { taskId: read.task, taskRunId: read.taskRun },
          closed: false,
        },
        t0,
      )
      expect(again.request.text).toBe(backup.request.text)
      expect(nextStep(again, { at: t0, text: 'same' }).kind).toEqual(expect.any(String))
    },
  )
})

const { v: _v, id, thread, request, ...parts } = working()
const whole = stored(working())
const fresh = stored(Run.parse({ id, thread, request, baseline: parts.baseline }))

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
      .map(key => [part, key]),
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
    Object.keys(partOf(partOf(whole, part), object)).map(key => [part, object, key]),
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
])('what was not understood of a record %s', (_, was, read, next, then) =>
  expect(withUnread(was, read, next)).toEqual(then),
)

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
      fingerprint: 'f',
      branch,
      newer: true,
    }
    expect(read({ backup })[0]?.backup).toMatchObject({
      words: [],
      round: 0,
      reported: 0,
    })
  })
})
