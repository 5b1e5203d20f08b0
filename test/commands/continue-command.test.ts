/** What `/codex continue` decides, from facts, without a service. */
import { describe } from 'vitest'
import { reject } from '../../src/commands/command.ts'
import { continueCommand } from '../../src/commands/continue-command.ts'
import type { Outcome } from '../../src/core/record/run.ts'
import { ask, runWith } from '../core/given.ts'
import {
  asking,
  busy,
  comment,
  decides,
  doing,
  marker,
  question,
  says,
  since,
  starts,
  startsPlan,
  tick,
  wordless,
} from './asked.ts'

const lastPlan = (outcome: Outcome) =>
  runWith({ request: { ...ask, what: 'plan' }, result: { outcome } })
const lastQuestion = (outcome: Outcome) =>
  runWith({
    request: question,
    result: { outcome },
    session: { sessionLog: { offset: 0, turns: 1, prompts: [], answer: 'So.' } },
  })

describe('what asks for work', () => {
  const goOn = 'Go on where you stopped.'
  const continueBox = (run: string) => asking({ ...tick, box: 'continue', run }, { text: '' })
  decides(continueCommand, [
    ['without an earlier session', {}, reject('nothingToContinue')],
    [
      'after one',
      since(),
      starts({ session: { taskId: 'task-1' }, request: { text: 'Go on: with the tests' } }),
      asking(comment, { text: 'with the tests' }),
    ],
    [
      'a question that was, with what to do',
      since(lastQuestion({ kind: 'answer' })),
      doing({ what: 'work', text: 'Go on: fix it', answered: { question: 'why?', answer: 'So.' } }),
    ],
    ['by the box of the last run', since(), doing({ text: goOn }), continueBox(marker.run)],
    ['by the box of a run before it', since(), reject('goneOn'), continueBox('run-of-before')],
    [
      'by a box, while another works',
      busy(),
      reject('stillGoing', 'continue'),
      continueBox('run-of-before'),
    ],
  ])
  const unfinished = { kind: 'unfinished', why: 'failed' } as const
  decides(
    continueCommand,
    [
      ['without words', busy(), says({ text: goOn, typed: 'continue' })],
      ['a plan that was not finished', since(lastPlan(unfinished)), startsPlan],
      ['a plan that was', since(lastPlan({ kind: 'answer' })), doing({ what: 'work' })],
      [
        'a question that was not answered',
        since(lastQuestion(unfinished)),
        doing({ what: 'ask', text: goOn }),
      ],
      ['a question that was', since(lastQuestion({ kind: 'answer' })), reject('questionAnswered')],
    ],
    wordless,
  )
})
