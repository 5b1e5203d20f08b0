/** What `/codex retry` decides, from facts, without a service. */
import { describe, expect } from 'vitest'
import { reject } from '../../src/commands/command.ts'
import { retryCommand } from '../../src/commands/retry-command.ts'
import { agentFailure } from '../../src/core/record/agent-failures.ts'
import { changed, type RunChange } from '../../src/core/record/run.ts'
import { ask, head, maya, more, runWith } from '../core/given.ts'
import {
  asking,
  closed,
  comment,
  decides,
  doing,
  fork,
  held,
  live,
  onPull,
  otherModel,
  starts,
  stopping,
  withOptions,
  withPull,
} from './asked.ts'

const afresh = withOptions({ new: true })

describe('what asks for work', () => {
  const approves = { plan: 'run-1', branch: 'codex/x', sha: 'a'.repeat(40) }
  const before = {
    conversation: {
      ...withPull,
      lastRun: runWith({ request: { ...ask, approves } }),
    },
    head,
    held: held(),
    closers: [],
  }
  /** What was asked before, with what differs in its run and beside it. */
  const earlier = (last: RunChange, beside: object = {}) => {
    const { conversation } = before
    const lastRun = changed(conversation.lastRun, last)
    return { before: { ...before, conversation: { ...conversation, lastRun }, ...beside } }
  }
  const unknownModel = agentFailure({ class: 'agent_error', text: 'model gpt-9 not found' })
  const useless = earlier({ result: { outcome: unknownModel } })
  const saidIn = (round: number) => {
    const words = [more('a', 'in red'), more('b', 'and in blue')]
    return {
      result: { round },
      mailbox: { words: words.map(each => ({ ...each, state: 'read' as const, round })) },
    }
  }
  const sameSession = { taskId: 'task-1', earlier: { taskRunId: 'task-run-1', over: false } }
  const ofNone = { earlier: { resumes: false } }
  decides(retryCommand, [
    ['where nothing was asked', {}, reject('nothingToRetry')],
    ['in a closed thread', {}, reject('closed'), asking(closed(comment))],
    ['from the box of an earlier round', { goneOn: true }, reject('goneOn')],
    ['that is refused', earlier({ request: ask }, { head: fork }), reject('fork'), onPull],
    ['while another works', { live }, reject('stillGoing', 'retry')],
    ['while another is being stopped', { live: stopping }, { kind: 'wait' }],
    ['once more after a crash', { live: runWith({ id: 'run-comment-502' }) }, { kind: 'started' }],
    ['where the same would come of it', useless, reject('noUse', unknownModel)],
    [
      'with something else than that',
      useless,
      doing({ options: { model: 'gpt-5.6' } }),
      otherModel,
    ],
    [
      'with what was asked',
      { before },
      starts({
        session: { taskId: 'task-1' },
        baseline: { head },
        result: { pulls: [{ number: 9 }], reported: 1 },
        request: {
          text: ask.text,
          delivery: 'delivery',
          options: { effort: 'high' },
          approves: expect.not.objectContaining({ branch: expect.anything() }),
        },
      }),
      withOptions({ effort: 'high' }),
    ],
    [
      'that was a question in a closed thread, once it is open again',
      earlier({ baseline: { snapshot: { ...runWith().baseline.snapshot, open: false } } }),
      starts({ baseline: { snapshot: { open: true } } }),
    ],
    ['in a new session', { before }, starts({ session: { taskId: undefined, ...ofNone } }), afresh],
    [
      'with the words of the last round, in its session',
      earlier(saidIn(1)),
      starts({
        session: sameSession,
        request: expect.not.objectContaining({ approves: expect.anything() }),
        mailbox: { words: [{}, { id: 'run-comment-502-words-1', text: 'and in blue', by: maya }] },
      }),
    ],
    [
      'with the words of the last round, which the next retry keeps',
      earlier(saidIn(1)),
      doing({ goesOn: true }),
    ],
    [
      'with what was asked in a session that others began, in that session',
      earlier({ request: { ...ask, goesOn: true } }),
      starts({ session: sameSession, request: { text: ask.text, goesOn: true } }),
    ],
    [
      'with that, but in another session',
      earlier({ request: { ...ask, goesOn: true } }),
      starts({ session: ofNone, request: { text: ask.text, goesOn: undefined } }),
      afresh,
    ],
    [
      'with them, but in another session',
      earlier(saidIn(1)),
      starts({ session: ofNone, request: { text: 'in red' } }),
      afresh,
    ],
    [
      'with what was asked and what was said to it since',
      earlier(saidIn(0)),
      starts({
        session: ofNone,
        request: { text: ask.text },
        mailbox: { words: [{}, { text: 'in red' }, { text: 'and in blue' }] },
      }),
    ],
    [
      'with what was asked, where a round that was stopped began for no words',
      earlier({ result: { round: 1 } }),
      starts({ session: ofNone, request: { text: ask.text } }),
    ],
  ])
})
