/** A turn is a prompt and the answer with its id. */
import { describe, expect, test } from 'vitest'
import type { LogEntry } from '../../src/core/model/task-run.ts'
import { observe } from '../../src/core/record/apply-snapshot.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import {
  earlierIs,
  instruction,
  lastPoll,
  minute,
  more,
  second,
  snapshotWith,
  t0,
  taskRunIs,
  word,
  working,
} from './given.ts'

type Log = NonNullable<Run['session']['sessionLog']>

const at = t0 + minute
const entry = (what: LogEntry['what']): LogEntry => ({ at: t0, what })
const begins = entry({ kind: 'begins' })
const prompt = (id: string, ...messages: string[]) => entry({ kind: 'prompt', id, messages })
const words = (...messages: string[]) => entry({ kind: 'words', messages })
const says = (text: string) => entry({ kind: 'message', text })
const answers = (id: string, stopReason = 'end_turn') => entry({ kind: 'answer', id, stopReason })
const steers = (id: string) => entry({ kind: 'answer', id, stopReason: 'end_turn', steer: true })
const breaks = (id: string) =>
  entry({ kind: 'error', id, fault: { class: 'agent_error', text: 'long' } })
const givesUp = entry({ kind: 'gives-up', fault: { text: 'short' } })
const finishes = entry({ kind: 'finishes', gaveUp: 'No.' })
const goesOn = entry({ kind: 'goes-on' })
const long =
  'The session expired between the two steps, since the clock of the test stood still. It waits now.'
const intent = `Now I’ll ${long}`
const asks = entry({
  kind: 'asks',
  request: { id: 'p', title: 'Which?', question: true, options: [] },
})
const edits = entry({ kind: 'acts', doing: 'editing', files: ['a.ts'], command: false })

const first = 'run-comment-501'
const later = 'comment-502'

const said = [instruction('sent'), word('sent', more(later))]

/** Of a Run whose instruction is on its way, and a follow-up as well if the log has it. */
const read = (
  log: LogEntry[],
  words = said.slice(0, JSON.stringify(log).includes(later) ? 2 : 1),
  from?: number,
) =>
  observe(
    working({ mailbox: { words } }, taskRunIs({ from })),
    snapshotWith({ log, offset: log.length }),
    at,
  ).session.sessionLog ?? { offset: 0, turns: 0, prompts: [] }

/** How it ended, and what was said last. */
const seen = ({ ended, answer }: Log) => [ended?.fault?.text ?? ended?.stopReason ?? 'open', answer]

/** The log of a turn from its prompt on. */
const begun = (...entries: LogEntry[]) => [begins, prompt('2', first), words(first), ...entries]
const doubled = [{ ...says('a'), line: '1' }, says('b')]

describe('a turn is', () => {
  test.each<[string, LogEntry[], unknown[]]>([
    ['open from its prompt on', begun(says('a')), ['open', 'a']],
    [
      'told without what a batch says again',
      begun(...doubled, { ...says('c'), line: '2' }, ...doubled),
      ['open', 'c'],
    ],
    ['over with the answer to it', begun(says('a'), says('b'), answers('2')), ['end_turn', 'b']],
    [
      'over, and told with what was said behind its answer',
      begun(says('a'), answers('2'), edits, says('b')),
      ['end_turn', 'a\n\nb'],
    ],
    [
      'over, though its answer came before its words',
      begun(answers('2'), says('a')),
      ['end_turn', 'a'],
    ],
    [
      'over, though its batch came in reverse',
      [answers('2'), says('a'), words(first), prompt('2', first), begins],
      ['end_turn', 'a'],
    ],
    ['over with its answer where its prompt is lost', [says('a'), answers('2')], ['end_turn', 'a']],
    [
      'not over twice',
      begun(says('a'), answers('2'), prompt('3', later), answers('4')),
      ['open', 'a'],
    ],
    [
      'over, though the answer before its own is lost',
      begun(says('a'), prompt('3', later), says('b'), answers('3')),
      ['end_turn', 'b'],
    ],
    ['not over with the answer to others', begun(prompt('3'), answers('3')), ['open', undefined]],
    ['not over with the answer to another', begun(answers('1')), ['open', undefined]],
    [
      'not over with a steer’s answer',
      begun(says('a'), prompt('3', later), steers('3')),
      ['open', 'a'],
    ],
    [
      'over after a steer',
      begun(says('a'), prompt('3', later), steers('3'), says('b'), answers('2')),
      ['end_turn', 'b'],
    ],
    [
      'open again with the next prompt',
      begun(answers('2'), prompt('3', later)),
      ['open', undefined],
    ],
    [
      'told with what was said in the turn before it',
      begun(says('a'), answers('2'), prompt('3', later), says('b'), says('c'), answers('3')),
      ['end_turn', 'a\n\nc'],
    ],
    [
      'told alone',
      begun(says('a'), answers('2'), prompt('3', later), answers('3')),
      ['end_turn', 'a'],
    ],
    ['over once all are answered', begun(prompt('3', later), answers('2')), ['open', undefined]],
    ['interrupted by a person', begun(answers('2', 'cancelled')), ['cancelled', undefined]],
    ['not over with an error: the server may try again', begun(breaks('2')), ['open', undefined]],
    ['broken when the server gives up', begun(breaks('2'), givesUp), ['short', undefined]],
    ['not broken by what was told before', begun(givesUp, breaks('2')), ['open', undefined]],
    ['tried again', begun(breaks('2'), prompt('3'), says('b'), answers('3')), ['end_turn', 'b']],
    [
      'begun anew by a process',
      begun(begins, prompt('2'), says('b'), answers('2')),
      ['end_turn', 'b'],
    ],
    [
      'told with all said',
      begun(says('a'), finishes, says('b'), answers('2')),
      ['end_turn', 'a\n\nb'],
    ],
    [
      'told with the longest that was said, where the last is short',
      begun(says('I look.'), edits, says(long), says('So.'), edits, says('Done.'), answers('2')),
      ['end_turn', `${long}\n\nDone.`],
    ],
    [
      'told by its last words alone, where they are long',
      begun(says(long), says(`${long}!`)),
      ['open', `${long}!`],
    ],
    [
      'told without what is only said before a tool',
      begun(says(intent), edits, says('Done.')),
      ['open', 'Done.'],
    ],
    ...[
      'I look into it.',
      'Looking at the code now.',
      'Next, let me run the tests.',
      'I’m checking the cache: it may be stale.',
    ].map((promise): [string, LogEntry[], unknown[]] => [
      `told without “${promise}” before a tool`,
      begun(says(promise), edits, says('Done.')),
      ['open', 'Done.'],
    ]),
    ...['See line 12.', 'I looked: line 12.', 'Nothing is stale now.', 'Check the clock.'].map(
      (answer): [string, LogEntry[], unknown[]] => [
        `told with “${answer}”, though a tool follows`,
        begun(says(answer), edits, says('Done.')),
        ['open', `${answer}\n\nDone.`],
      ],
    ),
    [
      'told with the words of turns that Codex begins itself',
      begun(says('Set.'), goesOn, answers('2'), says('Half done.'), says('Reached.')),
      ['end_turn', 'Half done.\n\nReached.'],
    ],
  ])('%s', (_, log, expected) => expect(seen(read(log))).toEqual(expected))

  test.each([
    ['when it was logged', t0, t0],
    [
      'not before the look that did not show it, whatever clock PostHog has',
      t0 - minute,
      t0 - second,
    ],
    ['not in the future', t0 + 2 * minute, at],
  ])('over %s', (_, logged, expected) => {
    const log = begun({ ...answers('2'), at: logged })
    const run = working({ mailbox: { words: [instruction('sent')] } }, lastPoll(t0 - second))
    const after = observe(run, snapshotWith({ log, offset: 4 }), at)
    expect(after.session.sessionLog?.ended?.at).toBe(expected)
  })
})

describe('words said to a session of which others use a part', () => {
  const said = [instruction('waiting'), word('sent', more(later))]
  test.each<[string, LogEntry[], unknown[]]>([
    ['are answered', [prompt('5', later), says('b'), answers('5')], ['end_turn', 'b']],
    ['wait for the turn of others', [says('theirs'), answers('4')], ['open', 'theirs']],
    [
      'come after it',
      [says('theirs'), answers('4'), prompt('5', later), says('b'), answers('5')],
      ['end_turn', 'b'],
    ],
    [
      'steer it, and end with it',
      [says('theirs'), prompt('5', later), steers('5'), says('b'), answers('4')],
      ['end_turn', 'b'],
    ],
    [
      'are not those of a prompt of others',
      [prompt('5'), says('theirs'), answers('5')],
      ['open', 'theirs'],
    ],
    [
      'are known as people see',
      [prompt('5'), words(later), says('b'), answers('5')],
      ['end_turn', 'b'],
    ],
    [
      'are done before a turn of others',
      [prompt('5', later), says('b'), answers('5'), prompt('6'), says('green')],
      ['end_turn', 'b'],
    ],
  ])('%s', (_, log, expected) => expect(seen(read(log, said, 7))).toEqual(expected))
})

test('the log of a resumed run begins with those before: nothing of them counts, whatever the clocks', () => {
  const earlier = earlierIs({ taskId: 'task-1', taskRunId: 'run-0', over: true })
  const resumed = changed(working({ mailbox: { words: said.slice(0, 1) } }), earlier)
  const before = [begins, prompt('2', 'old'), words('old'), edits, says('old'), answers('2'), asks]
  const look = (run: Run, log: LogEntry[]) => observe(run, snapshotWith({ log, offset: 9 }), at)
  const ours = begun(says('a'), answers('2'))
  for (const after of [look(resumed, [...before, ...ours]), look(look(resumed, before), ours)])
    expect(after.session.sessionLog).toMatchObject({
      answer: 'a',
      ended: { stopReason: 'end_turn' },
      activity: { files: [] },
    })
  const { answer, permissionRequest } = look(resumed, before).session.sessionLog ?? {}
  expect([answer, permissionRequest]).toEqual([undefined, undefined])
})

test('an agent that asks a thousand things at once leaves a record of a size', () => {
  const request = { title: 'Which?', question: true, options: [] }
  const thousand = Array.from({ length: 1_000 }, (_, n) =>
    entry({ kind: 'asks', request: { ...request, id: `p${n}` } }),
  )
  expect(read(begun(...thousand)).laterRequests).toHaveLength(20)
})
