/** Where words stand on their way to the agent: what moves them, and what follows from it. */
import { describe, expect, test } from 'vitest'
import type { LogEntry } from '../../src/core/model/task-run.ts'
import { observe } from '../../src/core/record/apply-snapshot.ts'
import { moved } from '../../src/core/record/ledger.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { isAnswered } from '../../src/core/record/turn.ts'
import * as given from './given.ts'

const { instruction, more, snapshotWith, t0, word, wordsAre, working } = given
type Words = Run['mailbox']['words']

describe('words that', () => {
  const words = (['waiting', 'sent', 'read', 'dropped'] as const).map(state => word(state))
  const again = word('waiting', more('a'), { again: true })
  const marks = (each: Words[number]) =>
    `${each.state}${each.to ? '>' : ''}${each.again ? '!' : ''}${'text' in each && each.text === '' ? '-' : ''}`
  test.each<[string, Parameters<typeof moved>[1], string]>([
    ['PostHog took are sent, if they waited', 'sent', 'sent sent> read> dropped sent!'],
    ['the log shows are read, if they were sent', 'shown', 'waiting read> read> dropped waiting!'],
    ['the agent refused are on their way again', 'refused', 'waiting sent> sent> dropped waiting!'],
    [
      'a run left unread wait again, if they were sent',
      'left',
      'waiting waiting! read> dropped waiting!',
    ],
    ['are taken back are gone, if they waited', 'dropped', 'dropped- sent> read> dropped dropped!'],
  ])('%s', (_, event, expected) =>
    expect(
      moved([...words, again], event, [more('a')])
        .map(marks)
        .join(' '),
    ).toBe(expected),
  )
})

const entry = (what: LogEntry['what']): LogEntry => ({ at: t0, what })
const prompt = entry({ kind: 'prompt', id: '5', messages: ['a'] })
const shows = entry({ kind: 'words', messages: ['a'] })
const breaks = entry({ kind: 'error', id: '5', fault: { text: 'already in progress' } })
const begins = entry({ kind: 'begins' })
/** What is read in one look is read alike in two. */
function states(run: Run, log: LogEntry[], status: 'in_progress' | 'completed' = 'in_progress') {
  const look = (before: Run, part: LogEntry[]) =>
    observe(before, snapshotWith({ log: part, offset: log.length, status }), t0)
  const ways = [look(run, log), look(look(run, log.slice(0, 1)), log.slice(1))]
  const [once, twice] = ways.map(({ mailbox }) => mailbox.words.map(({ state }) => state))
  expect(twice).toEqual(once)
  return once
}

describe('of words, the log says that', () => {
  const sent = wordsAre(word('sent'))
  const sending = changed(
    given.wordsWait,
    given.intends({ kind: 'deliver', at: t0, messageId: 'a' }),
  )
  test.each<[string, RunChange, LogEntry[], string]>([
    ['those of a prompt are read', sent, [prompt], 'read'],
    [
      'those that people see are read, whatever came of their prompt',
      sent,
      [prompt, shows, breaks],
      'read',
    ],
    ['those of a prompt that came too soon are not', sent, [prompt, breaks], 'sent'],
    ['those of a process that is gone are read', sent, [prompt, begins, breaks], 'read'],
    ['those that nobody sent are not, whoever names them', given.wordsWait, [prompt], 'waiting'],
    ['those whose sending was not confirmed are read', sending, [prompt], 'read'],
    [
      'those of a run before are not',
      wordsAre(word('sent', more('a'), { to: 'run-0' })),
      [prompt],
      'sent',
    ],
  ])('%s', (_, words, log, expected) =>
    expect(states(working(words), log)).toEqual(['read', expected]),
  )

  test('whoever said words that were not known to be sent is told', () => {
    const source = { trigger: 't', command: 0, last: true }
    const run = working(sending, wordsAre(word('waiting', more('a'), { source })))
    const { mailbox } = observe(run, snapshotWith({ log: [prompt], offset: 1 }), t0)
    expect(mailbox.answers).toEqual([{ id: 'a', to: given.zoe, source }])
  })
})

test.each<[string, 'in_progress' | 'completed', LogEntry[], RunChange, string]>([
  ['are to be asked again where it has failed', 'completed', [], {}, 'waiting'],
  ['may be read while it works', 'in_progress', [], {}, 'sent'],
  [
    'are resumed before the Run is over',
    'completed',
    [],
    { result: { outcome: undefined } },
    'sent',
  ],
  ['are read when its log shows them', 'completed', [shows], {}, 'read'],
  ['stay with it after a stop', 'completed', [], given.stopAsked, 'sent'],
])('words that a run left unread %s', (_, status, log, differs, expected) => {
  const outcome = { kind: 'failed' as const, class: 'lost' as const, reason: 'r', fix: 'f' }
  const run = working(wordsAre(word('sent')), changed({ result: { outcome } }, differs))
  expect(states(run, log, status)).toEqual(['read', expected])
})

describe('a turn counts as answered', () => {
  const [goOn, before] = [{ resumes: true as const }, { to: 'run-0' }]
  test.each<[string, boolean, Words]>([
    ['once all words were read', true, [instruction(), word('read')]],
    ['not while the last words are on their way', false, [instruction(), word('sent')]],
    [
      'not while others are, as it may read later ones first',
      false,
      [word('sent'), word('read', more('b'))],
    ],
    ['not while the instruction is', false, [instruction('sent')]],
    [
      'where its log lost the instruction, and shows later words',
      true,
      [instruction('sent'), word('read')],
    ],
    ['not while it is told to go on', false, [word('sent', more('b'), goOn)]],
    [
      'where it read later words than to go on',
      true,
      [word('sent', more('b'), goOn), word('read')],
    ],
    ['while words wait', true, [instruction(), word('waiting')]],
    ['whatever a run before left unread', true, [instruction(), word('sent', more('a'), before)]],
  ])('%s', (_, expected, words) =>
    expect(isAnswered(working(given.logIs(given.idleSince(t0)), { mailbox: { words } }))).toBe(
      expected,
    ),
  )
})
