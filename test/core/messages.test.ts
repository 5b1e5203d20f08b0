import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { leftUndone, readMessages, send } from '../../src/core/run/messages.ts'
import { Run, type RunMessage, type Source } from '../../src/core/run/run.ts'
import { tries } from '../support/tries.ts'
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

const stop = (id = 's', at = t0): RunMessage => ({ kind: 'stop', id, by: maya, at })
const label = (id = 'l'): RunMessage => ({ kind: 'label', id, by: maya, at: t0, label: 'codex' })
const poll = (id = 'k'): RunMessage => ({ kind: 'poll', id })

const inbox = (...messages: RunMessage[]): string[] => messages.map(message => JSON.stringify(message))
const read = (run: Run, ...messages: RunMessage[]): Run => readMessages(run, inbox(...messages))

describe('a note', () => {
  test.each<[string, Run, RunMessage[], Partial<Run>]>([
    [
      'with more words waits for the agent',
      working(),
      [more('a')],
      { pendingFollowUps: [more('a')], handledMessageIds: [] },
    ],
    [
      'with more words waits behind another',
      working(),
      [more('a'), more('b')],
      { pendingFollowUps: [more('a'), more('b')] },
    ],
    [
      'that came twice counts once',
      working(),
      [more('a'), more('a')],
      { pendingFollowUps: [more('a')], messagesRead: 2 },
    ],
    [
      'that was delivered counts no more',
      working({ handledMessageIds: ['a'] }),
      [more('a')],
      { pendingFollowUps: [] },
    ],
    [
      'to look wakes it, and hurries nothing',
      working(),
      [poll()],
      { nextPollAt: t0 + 5 * second, handledMessageIds: ['k'] },
    ],
    [
      'of a label is remembered, to take it off',
      working(),
      [label()],
      { labels: ['codex'], handledMessageIds: ['l'] },
    ],
    [
      'to stop stops',
      working(),
      [stop()],
      { stop: { by: maya, at: t0, asked: false }, handledMessageIds: ['s'] },
    ],
    [
      'to stop drops the words that were not passed on',
      working({ pendingFollowUps: [more('a')] }),
      [stop()],
      { pendingFollowUps: [], droppedMessageIds: ['a'], handledMessageIds: ['s', 'a'] },
    ],
    [
      'to stop drops words that came with it',
      working(),
      [more('a'), stop('s', t0 + minute)],
      { pendingFollowUps: [], droppedMessageIds: ['a'] },
    ],
    [
      'to stop from before the words that are there does not mean them',
      working(),
      [more('a'), stop('s', t0)],
      { pendingFollowUps: [more('a')], droppedMessageIds: ['s'], handledMessageIds: ['s'] },
    ],
    [
      'that a label was taken off leaves it to whoever sets it again',
      working({ labels: ['codex', 'codex:plan'] }),
      [{ kind: 'label-off', id: 'o', label: 'codex' }],
      { labels: ['codex:plan'], handledMessageIds: ['o'] },
    ],
    [
      'with words after a stop waits',
      working(),
      [stop(), more('a')],
      { pendingFollowUps: [more('a')], droppedMessageIds: [] },
    ],
    [
      'to stop twice is one stop',
      working(),
      [stop('s'), { ...stop('t'), by: zoe } as RunMessage],
      { stop: { by: maya, at: t0, asked: false } },
    ],
    [
      'says why it was stopped',
      working(),
      [{ kind: 'stop', id: 's', by: maya, at: t0, because: 'closed the issue' }],
      { stop: { by: maya, at: t0, asked: false, because: 'closed the issue' } },
    ],
    [
      'that a pull request was merged',
      working({ pulls: [pull] }),
      [{ kind: 'pull', id: 'p', number: 9, state: 'merged' }],
      { pulls: [{ ...pull, state: 'merged' }] },
    ],
    [
      'of a pull request of somebody else',
      working({ pulls: [pull] }),
      [{ kind: 'pull', id: 'p', number: 10, state: 'merged' }],
      { pulls: [pull] },
    ],
  ])('%s', (_, run, messages, expected) => {
    const after = read(run, ...messages)
    expect(after).toMatchObject({ messagesRead: messages.length, ...expected })
    expect(Run.parse(JSON.parse(JSON.stringify(after)))).toEqual(JSON.parse(JSON.stringify(after)))
  })
})

const source: Source = { trigger: 't', command: 1, target: { kind: 'subject' }, last: true }

describe('what an ending Run leaves undone', () => {
  const other = { ...source, trigger: 'other' }

  test('is asked again: labels that came late, and words that nobody read', () => {
    const run = working({ askAgain: [other], pendingFollowUps: [{ ...more('a'), source }, more('b')] })
    expect(leftUndone(run, [])).toEqual([other, source])
  })

  test('and what this version can not read, as far as it says who sent it', () => {
    const unread = [JSON.stringify({ kind: 'sing', id: 'n', source }), JSON.stringify({ kind: 'sing' }), '{']
    const run = readMessages(working(), unread)
    expect(leftUndone(run, unread)).toEqual([source])
  })
})

test('what is sent is checked before it is', async () => {
  const told: string[] = []
  const runs = { send: async (_: string, message: string) => told.push(message) > 0 }
  expect(await send(runs, 'run', stop())).toBe(true)
  expect(() => send(runs, 'run', { kind: 'stop', id: 's' } as never)).toThrow('by')
  expect(told.map(text => JSON.parse(text))).toEqual([stop()])
})

describe('what a note leaves behind', () => {
  const seen = working({ handledMessageIds: ['z'] })
  test.each<[string, Run, RunMessage, Partial<Run>]>([
    ['a stop', seen, stop(), { handledMessageIds: ['z', 's'] }],
    ['a look', seen, poll(), { handledMessageIds: ['z', 'k'] }],
    ['a label', seen, label(), { handledMessageIds: ['z', 'l'] }],
    [
      'news of a pull request',
      seen,
      { kind: 'pull', id: 'p', number: 9, state: 'merged' },
      { handledMessageIds: ['z', 'p'] },
    ],
    [
      'another command',
      seen,
      { kind: 'release-thread', id: 'y' },
      { handledMessageIds: ['z', 'y'], releaseThread: true },
    ],
    [
      'a label, which is to come off though others did',
      working({ announced: told }),
      label(),
      { labels: ['codex'], announced: { ...told, label: false } },
    ],
    [
      'a label after the end: a run of its own, for which this one makes room',
      working({ outcome: { kind: 'answer' }, announced: told }),
      { ...label(), source } as RunMessage,
      {
        labels: [],
        handledMessageIds: ['l'],
        askAgain: [source],
        answers: [],
        releaseThread: true,
        announced: told,
      },
    ],
    [
      'a label after a stop: the same',
      working({ stop: { by: maya, at: t0, asked: false } }),
      { ...label(), source } as RunMessage,
      { labels: [], handledMessageIds: ['l'], askAgain: [source], answers: [] },
    ],
    [
      'a label: its answer',
      working(),
      { ...label(), source } as RunMessage,
      { answers: [{ id: 'l', to: maya, source }] },
    ],
    [
      'a stop: its answer',
      seen,
      { ...stop(), source } as RunMessage,
      { answers: [{ id: 's', to: maya, source }] },
    ],
    [
      'a stop that older words are no matter of: words that say so',
      working({ lastWordsAt: t0 + minute }),
      { ...stop(), source } as RunMessage,
      { answers: [{ id: 's', to: maya, source, reply: 'asked-since' }] },
    ],
    [
      'a stop before words were read: words to whoever said them',
      working({ pendingFollowUps: [{ ...more('a'), source }] }),
      stop('s', t0 + minute),
      { pendingFollowUps: [], answers: [{ id: 'a', to: zoe, source, reply: 'not-passed-on' }] },
    ],
    [
      'more words: no answer before they are read',
      working(),
      { ...more('a'), source } as RunMessage,
      { answers: [] },
    ],
  ])('%s', (_, run, message, expected) => {
    expect(read(run, message)).toMatchObject(expected)
  })

  test('a stop without a reason names none', () => {
    expect(read(working(), stop()).stop).toStrictEqual({ by: maya, at: t0, asked: false })
  })

  test('a stop of an agent that was not heard yet stops it', () => {
    const run = working({ outcome: { kind: 'pull' }, pulls: [pull], announced: told, sessionLog: undefined })
    expect(read(run, stop())).toMatchObject({ stop: { by: maya }, round: 1 })
  })
})

describe('a stop while something is under way', () => {
  const at = { at: t0, lostAt: t0 }
  test('leaves nothing of the words that were being passed on, so that later ones are not taken for them', () => {
    const run = working({ pendingFollowUps: [more('a')], intent: { kind: 'deliver', messageId: 'a', ...at } })
    expect(read(run, stop(), more('b'))).toMatchObject({
      intent: undefined,
      pendingFollowUps: [more('b')],
      droppedMessageIds: ['a'],
    })
  })

  test('keeps what else may have happened, to look for it', () => {
    const intent = { kind: 'start-run' as const, before: [], ...at }
    expect(read(working({ taskRun: undefined, intent }), stop()).intent).toEqual(intent)
  })
})

describe('a stop after the outcome', () => {
  const concluded = {
    outcome: { kind: 'pull' as const },
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
      announced: { comment: false },
    })
    expect(after.outcome).toBeUndefined()
  })

  test.each<[string, Partial<Run>]>([
    ['that is done', { taskRun: { ...taskRun, status: 'completed' } }],
    ['that is idle', { sessionLog: { offset: 1, turns: 1, idle: true } }],
    ['that never was', { taskRun: undefined }],
  ])('of an agent %s stops nothing', (_, given) => {
    const before = working({ ...concluded, ...given })
    expect(read(before, stop())).toEqual({ ...before, messagesRead: 1, handledMessageIds: ['s'] })
  })
})

describe('the inbox', () => {
  test('is read from where it was left', () => {
    const run = working({ messagesRead: 1 })
    expect(readMessages(run, inbox(more('a'), more('b'))).pendingFollowUps).toEqual([more('b')])
  })

  test('with nothing new gives the same Run', () => {
    const run = working({ messagesRead: 2 })
    expect(readMessages(run, inbox(more('a'), more('b')))).toBe(run)
    expect(readMessages(run, [])).toBe(run)
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
    const after = readMessages(working(), [text, ...inbox(more('b'))])
    expect(after).toMatchObject({ messagesRead: 2, pendingFollowUps: [more('b')] })
  })

  test('read at once or one by one gives the same, and no accepted words are lost', () => {
    const note = fc.oneof(
      fc.integer({ min: 0, max: 9 }).map(id => more(`m${id}`)),
      fc.integer({ min: 0, max: 3 }).map(id => stop(`s${id}`)),
      fc.integer({ min: 0, max: 3 }).map(id => poll(`k${id}`)),
      fc.integer({ min: 0, max: 3 }).map(id => label(`l${id}`)),
    )
    const run = fc.constantFrom(
      working(),
      runWith({ status, branch }),
      working({ outcome: { kind: 'pull' }, pulls: [pull], announced: told }),
    )
    fc.assert(
      fc.property(run, fc.array(note, { maxLength: 12 }), (start, messages) => {
        const texts = inbox(...messages)
        const steps = texts.reduce((each, _, i) => readMessages(each, texts.slice(0, i + 1)), start)
        expect(steps).toEqual(readMessages(start, texts))
        for (const { id } of messages.filter(({ kind: says }) => says === 'follow-up'))
          expect(
            [...steps.pendingFollowUps.map(each => each.id), ...steps.handledMessageIds].filter(
              each => each === id,
            ),
          ).toHaveLength(1)
        expect(steps.droppedMessageIds.every(id => steps.handledMessageIds.includes(id))).toBe(true)
      }),
      { numRuns: tries(500) },
    )
  })
})
