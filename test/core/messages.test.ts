import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readNotes } from '../../src/core/run/messages.ts'
import { type Note, Run } from '../../src/core/run/run.ts'
import {
  branch,
  maya,
  minute,
  more,
  pull,
  runWith,
  second,
  status,
  t0,
  taskRun,
  told,
  working,
  zoe,
} from './given.ts'

const stop = (id = 's', at = t0): Note => ({ says: 'stop', id, by: maya, at })
const label = (id = 'l'): Note => ({ says: 'label', id, by: maya, at: t0, label: 'codex' })
const look = (id = 'k'): Note => ({ says: 'look', id })

const inbox = (...notes: Note[]): string[] => notes.map(note => JSON.stringify(note))
const read = (run: Run, ...notes: Note[]): Run => readNotes(run, inbox(...notes))

describe('a note', () => {
  test.each<[string, Run, Note[], Partial<Run>]>([
    [
      'with more words waits for the agent',
      working(),
      [more('a')],
      { undelivered: [more('a')], delivered: [] },
    ],
    [
      'with more words waits behind another',
      working(),
      [more('a'), more('b')],
      { undelivered: [more('a'), more('b')] },
    ],
    [
      'that came twice counts once',
      working(),
      [more('a'), more('a')],
      { undelivered: [more('a')], notesRead: 2 },
    ],
    ['that was delivered counts no more', working({ delivered: ['a'] }), [more('a')], { undelivered: [] }],
    [
      'to look wakes it, and hurries nothing',
      working(),
      [look()],
      { nextLookAt: t0 + 5 * second, delivered: ['k'] },
    ],
    [
      'of a label is remembered, to take it off',
      working(),
      [label()],
      { labels: ['codex'], delivered: ['l'] },
    ],
    ['to stop stops', working(), [stop()], { stop: { by: maya, at: t0, asked: false }, delivered: ['s'] }],
    [
      'to stop drops the words that were not passed on',
      working({ undelivered: [more('a')] }),
      [stop()],
      { undelivered: [], dropped: ['a'], delivered: ['s', 'a'] },
    ],
    [
      'to stop drops words that came with it',
      working(),
      [more('a'), stop('s', t0 + minute)],
      { undelivered: [], dropped: ['a'] },
    ],
    [
      'to stop from before the words that are there does not mean them',
      working(),
      [more('a'), stop('s', t0)],
      { undelivered: [more('a')], dropped: ['s'], delivered: ['s'] },
    ],
    [
      'that a label was taken off leaves it to whoever sets it again',
      working({ labels: ['codex', 'codex:plan'] }),
      [{ says: 'label-off', id: 'o', label: 'codex' }],
      { labels: ['codex:plan'], delivered: ['o'] },
    ],
    [
      'with words after a stop waits',
      working(),
      [stop(), more('a')],
      { undelivered: [more('a')], dropped: [] },
    ],
    [
      'to stop twice is one stop',
      working(),
      [stop('s'), { ...stop('t'), by: zoe } as Note],
      { stop: { by: maya, at: t0, asked: false } },
    ],
    [
      'says why it was stopped',
      working(),
      [{ says: 'stop', id: 's', by: maya, at: t0, because: 'closed the issue' }],
      { stop: { by: maya, at: t0, asked: false, because: 'closed the issue' } },
    ],
    [
      'that a pull request was merged',
      working({ pulls: [pull] }),
      [{ says: 'pull', id: 'p', number: 9, state: 'merged' }],
      { pulls: [{ ...pull, state: 'merged' }] },
    ],
    [
      'of a pull request of somebody else',
      working({ pulls: [pull] }),
      [{ says: 'pull', id: 'p', number: 10, state: 'merged' }],
      { pulls: [pull] },
    ],
  ])('%s', (_, run, notes, expected) => {
    const after = read(run, ...notes)
    expect(after).toMatchObject({ notesRead: notes.length, ...expected })
    expect(Run.parse(JSON.parse(JSON.stringify(after)))).toEqual(JSON.parse(JSON.stringify(after)))
  })
})

describe('what a note leaves behind', () => {
  const seen = working({ delivered: ['z'] })
  test.each<[string, Run, Note, Partial<Run>]>([
    ['a stop', seen, stop(), { delivered: ['z', 's'] }],
    ['a look', seen, look(), { delivered: ['z', 'k'] }],
    ['a label', seen, label(), { delivered: ['z', 'l'] }],
    [
      'news of a pull request',
      seen,
      { says: 'pull', id: 'p', number: 9, state: 'merged' },
      { delivered: ['z', 'p'] },
    ],
    ['another command', seen, { says: 'yield', id: 'y' }, { delivered: ['z', 'y'], yielding: true }],
    [
      'a label, which is to come off though others did',
      working({ told }),
      label(),
      { labels: ['codex'], told: { ...told, label: false } },
    ],
    [
      'a label after the end: nothing, as it asks for a run of its own',
      working({ outcome: { is: 'answer' }, told }),
      label(),
      { labels: [], delivered: [], told },
    ],
  ])('%s', (_, run, note, expected) => {
    expect(read(run, note)).toMatchObject(expected)
  })

  test('a stop without a reason names none', () => {
    expect(read(working(), stop()).stop).toStrictEqual({ by: maya, at: t0, asked: false })
  })

  test('a stop of an agent that was not heard yet stops it', () => {
    const run = working({ outcome: { is: 'pull' }, pulls: [pull], told, heard: undefined })
    expect(read(run, stop())).toMatchObject({ stop: { by: maya }, round: 1 })
  })
})

describe('a stop while something is under way', () => {
  const at = { at: t0, lostAt: t0 }
  test('leaves nothing of the words that were being passed on, so that later ones are not taken for them', () => {
    const run = working({ undelivered: [more('a')], intent: { effect: 'deliver', note: 'a', ...at } })
    expect(read(run, stop(), more('b'))).toMatchObject({
      intent: undefined,
      undelivered: [more('b')],
      dropped: ['a'],
    })
  })

  test('keeps what else may have happened, to look for it', () => {
    const intent = { effect: 'start-run' as const, before: [], ...at }
    expect(read(working({ taskRun: undefined, intent }), stop()).intent).toEqual(intent)
  })
})

describe('a stop after the outcome', () => {
  const concluded = {
    outcome: { is: 'pull' as const },
    pulls: [pull],
    concludedAt: t0,
    told,
    resultChecked: true,
  }

  test('stops an agent that still works, and the thread is told of that anew', () => {
    const after = read(working(concluded), stop())
    expect(after).toMatchObject({
      stop: { by: maya },
      resultChecked: false,
      round: 1,
      told: { comment: false },
    })
    expect(after.outcome).toBeUndefined()
  })

  test.each<[string, Partial<Run>]>([
    ['that is done', { taskRun: { ...taskRun, status: 'completed' } }],
    ['that is idle', { heard: { offset: 1, turns: 1, idle: true } }],
    ['that never was', { taskRun: undefined }],
  ])('of an agent %s stops nothing', (_, given) => {
    const before = working({ ...concluded, ...given })
    expect(read(before, stop())).toEqual({ ...before, notesRead: 1, delivered: ['s'] })
  })
})

describe('the inbox', () => {
  test('is read from where it was left', () => {
    const run = working({ notesRead: 1 })
    expect(readNotes(run, inbox(more('a'), more('b'))).undelivered).toEqual([more('b')])
  })

  test('with nothing new gives the same Run', () => {
    const run = working({ notesRead: 2 })
    expect(readNotes(run, inbox(more('a'), more('b')))).toBe(run)
    expect(readNotes(run, [])).toBe(run)
  })

  test.each([
    '',
    'x',
    '{}',
    'null',
    '[]',
    '{"says":"more"}',
    '{"says":"dance","id":"a"}',
    JSON.stringify({ ...more('a'), by: 7 }),
  ])('may hold what is no note: %s', text => {
    const after = readNotes(working(), [text, ...inbox(more('b'))])
    expect(after).toMatchObject({ notesRead: 2, undelivered: [more('b')] })
  })

  test('read at once or one by one gives the same, and no accepted words are lost', () => {
    const note = fc.oneof(
      fc.integer({ min: 0, max: 9 }).map(id => more(`m${id}`)),
      fc.integer({ min: 0, max: 3 }).map(id => stop(`s${id}`)),
      fc.integer({ min: 0, max: 3 }).map(id => look(`k${id}`)),
      fc.integer({ min: 0, max: 3 }).map(id => label(`l${id}`)),
    )
    const run = fc.constantFrom(
      working(),
      runWith({ status, branch }),
      working({ outcome: { is: 'pull' }, pulls: [pull], told }),
    )
    fc.assert(
      fc.property(run, fc.array(note, { maxLength: 12 }), (start, notes) => {
        const texts = inbox(...notes)
        const steps = texts.reduce((each, _, i) => readNotes(each, texts.slice(0, i + 1)), start)
        expect(steps).toEqual(readNotes(start, texts))
        for (const { id } of notes.filter(({ says }) => says === 'more'))
          expect(
            [...steps.undelivered.map(each => each.id), ...steps.delivered].filter(each => each === id),
          ).toHaveLength(1)
        expect(steps.dropped.every(id => steps.delivered.includes(id))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
