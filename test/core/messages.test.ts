import { describe, expect, test } from 'vitest'
import { pending } from '../../src/core/record/ledger.ts'
import type { RunMessage, Source } from '../../src/core/record/mailbox-part.ts'
import { readMessages, sendMessage, sourcesToAskAgain } from '../../src/core/record/messages.ts'
import { changed, Run, type RunChange } from '../../src/core/record/run.ts'
import {
  hasPull,
  idleSince,
  instruction,
  intends,
  logIs,
  maya,
  minute,
  more,
  noTaskRun,
  pull,
  runWith,
  second,
  status,
  t0,
  taskRun,
  told,
  word,
  wordsAre,
  wordsWait,
  working,
  zoe,
} from './given.ts'

const source: Source = { trigger: 't', command: 1, target: { kind: 'subject' }, last: true }
const stop = (id = 's', at = t0): RunMessage => ({ kind: 'stop', id, by: maya, at })
const label = (id = 'l'): RunMessage => ({ kind: 'label', id, by: maya, at: t0, label: 'codex' })
const poll = (id = 'k', of?: string): RunMessage =>
  of === undefined ? { kind: 'poll', id } : { kind: 'poll', id, pull: of }

const inbox = (...messages: RunMessage[]) => messages.map(message => JSON.stringify(message))
const read = (run: Run, ...messages: RunMessage[]) => readMessages(run, inbox(...messages))

/** Where the words stand that came after the instruction. */
const added = ({ mailbox }: Run) => mailbox.words.slice(1).map(({ id, state }) => `${id} ${state}`)

describe('words in the place of others of their comment', () => {
  const target = { kind: 'thread', commentId: 900 } as const
  const sourceOn = (on: Source['target']): Source => ({
    trigger: 'y',
    command: 0,
    last: true,
    target: on,
  })
  const said = (id: string, text: string, at = t0): RunMessage & { kind: 'follow-up' } => ({
    kind: 'follow-up',
    id,
    by: maya,
    at,
    text,
    source: sourceOn(target),
  })
  const before = said('comment-900', 'delete table A')
  const after = { ...said('edit-900', 'delete table B', t0 + second), edits: 'delete table A' }
  const origin = { kind: 'comment', commentRef: target } as const
  const request = { ...working().request, text: 'delete table A', origin }
  const labelled: RunChange = {
    request: { ...request, text: 'x', origin: { kind: 'label', label: 'codex' } },
  }
  const blocked = runWith({ request, schedule: { admitted: false } })
  const texts = (run: Run) => [
    run.request.text,
    ...pending(run).map(({ text, replaces }) => `${text}${replaces ? ` for ${replaces}` : ''}`),
  ]

  test.each<[string, Run, RunMessage[], string[]]>([
    ['wait alone, where those wait', working(labelled), [before, after], ['x', 'delete table B']],
    [
      'name those that the agent has',
      working(labelled, wordsAre(word('read', before))),
      [after],
      ['x', `delete table B for ${before.id}`],
    ],
    ['are what a run asks that has not begun', blocked, [after], ['delete table B']],
    [
      'name its ask',
      working({ request }),
      [after],
      ['delete table A', `delete table B for ${working().id}`],
    ],
    [
      'wait beside those of another comment',
      working(labelled),
      [{ ...before, source: sourceOn({ ...target, commentId: 1 }) }, after],
      ['x', 'delete table A', 'delete table B'],
    ],
    [
      'go before those that were edited again',
      working(labelled),
      [
        before,
        after,
        { ...said('edit-901', 'delete table C', t0 + 2 * second), edits: 'delete table B' },
      ],
      ['x', 'delete table C'],
    ],
  ])('%s', (_, run, messages, expected) => {
    const known = read(run, ...messages)
    expect(texts(known)).toEqual(expected)
    // A repeated message counts once.
    expect(
      texts(
        readMessages(
          { ...known, mailbox: { ...known.mailbox, messagesRead: 0 } },
          inbox(...messages),
        ),
      ),
    ).toEqual(expected)
  })
})

const another = 'https://github.com/acme/shop/pull/12'

test.each<[string, Run, RunMessage[], RunChange]>([
  [
    'that only wakes it brings no look forward',
    working(),
    [poll()],
    { schedule: { nextPollAt: t0 + 5 * second }, mailbox: { handledMessageIds: ['poll k'] } },
  ],
  [
    'to look at a pull request has GitHub asked about it, once',
    working(),
    [poll('k', another), poll('k2', another)],
    {
      result: { claimedPulls: [another] },
      mailbox: { handledMessageIds: ['poll k', 'poll k2'] },
    },
  ],
  [
    'to look at a pull request that is known has GitHub asked nothing',
    working({ result: { foreignPulls: [another], pulls: [pull] } }),
    [poll('k', another), poll('k2', pull.url)],
    { result: { claimedPulls: [] } },
  ],
  [
    'that a label was taken off leaves it to whoever sets it again',
    working({ report: { labels: ['codex', 'codex:plan'] } }),
    [{ kind: 'label-off', id: 'o', label: 'codex' }],
    { report: { labels: ['codex:plan'] }, mailbox: { handledMessageIds: ['label-off o'] } },
  ],
  [
    'to stop twice is one stop',
    working(),
    [stop('s'), { ...stop('t'), by: zoe } as RunMessage],
    { mailbox: { stop: { by: maya, at: t0 } } },
  ],
  [
    'that a pull request was merged, for the one that tells it: with the rounds until then, and what it costs is asked anew',
    working({ result: { pulls: [pull] }, session: { cost: 0.4 } }),
    [
      {
        kind: 'pull',
        id: 'p',
        number: 9,
        state: 'merged',
        at: t0,
        rounds: { asked: 2, byPostHog: 1 },
      },
    ],
    {
      result: {
        pulls: [{ ...pull, state: 'merged' }],
        ended: { number: 9, how: 'merged', at: t0 },
        rounds: { asked: 2, byPostHog: 1 },
      },
      session: { cost: undefined },
    },
  ],
  [
    'about a pull request that is not its own changes nothing',
    working(hasPull),
    [{ kind: 'pull', id: 'p', number: 10, state: 'merged' }],
    { result: { pulls: [pull] } },
  ],
])('a message to a run %s', (_, run, messages, expected) => {
  const after = read(run, ...messages)
  expect(after).toMatchObject(changed({ mailbox: { messagesRead: messages.length } }, expected))
  expect(Run.parse(JSON.parse(JSON.stringify(after)))).toEqual(after)
})

const withdraws = (...followUps: string[]): RunMessage => ({
  kind: 'withdraw-follow-ups',
  id: 'w',
  by: maya,
  at: t0 + 2 * minute,
  because: 'deleted the comment that asked for it',
  followUps,
})

describe('words whose comment was deleted', () => {
  const mine = { ...more('a'), source: { trigger: 't', command: 0, last: true } }
  const delivering = intends({ kind: 'deliver', messageId: 'a', at: t0, lostAt: t0 })
  const resumed: RunChange = {
    result: { round: 1 },
    session: { taskRun: undefined, sessionLog: undefined },
  }
  const idle = logIs(idleSince(t0))
  const beginning = working(resumed, intends({ kind: 'start-run', before: [], at: t0 }))
  const notBegun = runWith({ report: { status } })
  const stoppedByMaya = { stop: { by: maya, because: 'deleted the comment that asked for it' } }

  test.each<[string, Run, RunMessage[], string[]]>([
    [
      'are taken back, others stay',
      working(),
      [mine, more('b'), withdraws('a')],
      ['a dropped', 'b waiting'],
    ],
    ['are not passed on when they come after that', working(), [withdraws('a'), mine], []],
    [
      'stay sent where they were sent before',
      working(wordsAre(word('sent'))),
      [withdraws('a')],
      ['a sent'],
    ],
    [
      'stay where they are said again',
      working(wordsAre(word('waiting', more('a'), { again: true }))),
      [withdraws('a')],
      ['a waiting'],
    ],
    [
      'stay where they are on their way',
      working(delivering),
      [mine, withdraws('a')],
      ['a waiting'],
    ],
    ['stay where a task run may begin with them', beginning, [mine, withdraws('a')], ['a waiting']],
    ['leave a run alone that has not begun', notBegun, [mine, withdraws('a')], ['a dropped']],
    [
      'leave an answer alone that is not told yet',
      working(idle),
      [mine, withdraws('a')],
      ['a dropped'],
    ],
  ])('%s', (_, run, messages, expected) => {
    const after = read(run, ...messages)
    expect(added(after)).toEqual(expected)
    expect(after.mailbox.stop).toBeUndefined()
    expect(after.mailbox.answers.filter(({ reply }) => reply?.kind !== 'has-it')).toEqual([])
  })

  test.each<[string, RunChange]>([
    ['a session that is resumed', resumed],
    ['an agent that listens', { ...idle, result: { round: 1 } }],
  ])('end the round that began for them, in %s', (_, round) => {
    const after = read(working(round), mine, withdraws('a'))
    expect(added(after)).toEqual(['a dropped'])
    expect(after).toMatchObject({ mailbox: stoppedByMaya })
  })

  test('end no round in which others were said', () => {
    const run = working(
      { ...idle, result: { round: 1 } },
      wordsAre(word('read', more('b'), { round: 1 })),
    )
    expect(read(run, mine, withdraws('a')).mailbox.stop).toBeUndefined()
  })
})

describe('what an ending Run leaves undone', () => {
  const other = { ...source, trigger: 'other' }

  test('is asked again: labels that came late, and words that nobody read', () => {
    const run = working({
      mailbox: {
        askAgain: [other],
        words: [instruction(), word('waiting', more('a'), { source }), word('waiting', more('b'))],
      },
    })
    expect(sourcesToAskAgain(run, [])).toEqual([other, source])
  })

  test('holds what this version can not read, as far as it says who sent it', () => {
    const unread = [
      JSON.stringify({ kind: 'sing', id: 'n', source }),
      JSON.stringify({ kind: 'sing' }),
      '{',
    ]
    const run = readMessages(working(), unread)
    expect(sourcesToAskAgain(run, unread)).toEqual([source])
  })
})

test('what is sent is checked before it is', async () => {
  const told: string[] = []
  const runs = { send: async (_: string, message: string) => told.push(message) > 0 }
  expect(await sendMessage(runs, 'run', stop())).toBe(true)
  expect(() => sendMessage(runs, 'run', { kind: 'stop', id: 's' } as never)).toThrow('by')
  expect(told.map(text => JSON.parse(text))).toEqual([stop()])
})

describe('what a message leaves to do:', () => {
  const asked = { ...label(), source }
  const stopAsked = { ...stop(), source }
  const anywhere = { trigger: 'w', command: 0, last: false }
  test.each<[string, Run, RunMessage, RunChange]>([
    [
      'a label, which is to come off though others did',
      working({ report: { done: told } }),
      label(),
      { report: { labels: ['codex'], done: told } },
    ],
    [
      'a label after the end: a run of its own, for which this one makes room',
      working({ result: { outcome: { kind: 'answer' } }, report: { done: told } }),
      asked,
      {
        report: { labels: [], done: told },
        mailbox: {
          handledMessageIds: ['label l'],
          askAgain: [source],
          answers: [],
          releaseThread: true,
        },
      },
    ],
    [
      'a label after a stop: the same',
      working({ mailbox: { stop: { by: maya, at: t0 } } }),
      asked,
      {
        report: { labels: [] },
        mailbox: { handledMessageIds: ['label l'], askAgain: [source], answers: [] },
      },
    ],
    [
      'a stop that older words are no matter of: words that say so',
      working({ mailbox: { lastWordsAt: t0 + minute } }),
      stopAsked,
      { mailbox: { answers: [{ id: 's', to: maya, source, reply: { kind: 'asked-since' } }] } },
    ],
    [
      'a stop before words were read: words to whoever said them',
      working(wordsAre(word('waiting', more('a'), { source }))),
      stop('s', t0 + minute),
      {
        mailbox: {
          words: [instruction(), word('dropped', more('a', ''), { source })],
          answers: [{ id: 'a', to: zoe, source, reply: { kind: 'not-passed-on' } }],
        },
      },
    ],
    [
      'a deletion of words that the agent has: words that say so',
      working(wordsAre(word('read'))),
      withdraws('a'),
      {
        mailbox: {
          answers: [
            {
              id: 'w',
              to: maya,
              source: anywhere,
              reply: { kind: 'has-it', words: more('a').text },
            },
          ],
        },
      },
    ],
    [
      'more words: no answer yet',
      working(),
      { ...more('a'), source },
      { mailbox: { answers: [] } },
    ],
  ])('%s', (_, run, message, expected) => expect(read(run, message)).toMatchObject(expected))
})

describe('a stop while something is under way', () => {
  const at = { at: t0, lostAt: t0 }
  test('leaves nothing of the words that were being passed on, so that later ones are not taken for them', () => {
    const run = working(wordsWait, intends({ kind: 'deliver', messageId: 'a', ...at }))
    const after = read(run, stop(), more('b'))
    expect(after.attempts.intent).toBeUndefined()
    expect(added(after)).toEqual(['a dropped', 'b waiting'])
  })

  test('keeps what else may have happened, to look for it', () => {
    const intent = { kind: 'start-run' as const, before: [], ...at }
    expect(read(working(noTaskRun, intends(intent)), stop()).attempts.intent).toEqual([intent])
  })
})

describe('a stop after the outcome', () => {
  const concluded: RunChange = {
    result: { outcome: { kind: 'pull' }, pulls: [pull], concludedAt: t0, resultChecked: true },
    report: { done: told },
  }

  test.each<[string, RunChange]>([
    ['that still works', {}],
    ['that was not heard yet', logIs(undefined)],
  ])('stops an agent %s, and the thread is told of that anew', (_, given) =>
    expect(read(working({ ...concluded, ...given }), stop())).toMatchObject({
      mailbox: { stop: { by: maya } },
      result: { outcome: undefined, resultChecked: false, round: 1 },
      report: { done: ['react'] },
    }),
  )

  test('stops nothing where no agent is at work', () => {
    const before = working({
      ...concluded,
      session: { taskRun: { ...taskRun, status: 'completed' } },
    })
    expect(read(before, stop()).mailbox.stop).toBeUndefined()
  })
})

describe('the inbox', () => {
  test('with nothing new gives the same Run', () => {
    const run = working({ mailbox: { messagesRead: 2 } })
    expect(readMessages(run, inbox(more('a'), more('b')))).toBe(run)
    expect(readMessages(run, [])).toBe(run)
  })

  test.each([
    '',
    'x',
    'null',
    '{"kind":"dance","id":"a"}',
    JSON.stringify({ ...more('a'), by: 7 }),
  ])('may hold what is no note: %s', text => {
    const after = readMessages(working(), [text, ...inbox(more('b'))])
    expect(after).toMatchObject({
      mailbox: { messagesRead: 2, words: [instruction(), word('waiting', more('b'))] },
    })
  })
})
