/** What `/codex` with words decides, from facts, without a service. */
import { describe, expect, test } from 'vitest'
import { reject } from '../../src/commands/command.ts'
import { namesNothing, runCommand } from '../../src/commands/run-command.ts'
import { questionId } from '../../src/core/record/permission-request.ts'
import type { RunChange } from '../../src/core/record/run.ts'
import { agentAsks, ask, issueThread, pullThread, runWith, t0, working } from '../core/given.ts'
import {
  asking,
  busy,
  comment,
  decides,
  doing,
  ended,
  fork,
  free,
  held,
  labelled,
  live,
  onPull,
  otherModel,
  says,
  settled,
  start,
  starts,
  stopping,
  tick,
  waitingWith,
  waits,
  withOptions,
  withPull,
  wordless,
} from './asked.ts'

const byPreset = working({ request: { ...ask, origin: { kind: 'label', label: 'codex:high' } } })
const readUpTo = { of: 'run-comment-400', at: t0 - 1_000, places: ['thread-400'] }
/** Nobody works in the thread, whose session of before can go on. */
const goingOn = (...last: RunChange[]) =>
  free({ conversation: { ...withPull, lastRun: runWith(...last) } })
/** One does whose settings are known. */
const atWork = busy({ held: held() })
const noModel = reject('model', 'gpt-9', undefined, held().known.models)
const choices = { id: 'q1', title: 'Which way?', question: true, options: [] }
const waitsForChoice = working(agentAsks(choices))
const choosing = (run: string) => asking({ ...tick, box: 'choice-2', run }, { text: '2' })
const overBy = reject('permissionOver')

describe('what asks for work', () => {
  decides(runCommand, [
    [
      'as the box of a choice',
      busy({ live: waitsForChoice }),
      says({ kind: 'follow-up', text: '2' }),
      choosing(questionId(waitsForChoice, choices)),
    ],
    [
      'as the box of another question',
      busy({ live: waitsForChoice }),
      overBy,
      choosing('of-before'),
    ],
    ['as the box of a question that is over', free(), overBy, choosing('of-before')],
    [
      'in a thread of its own',
      free(),
      starts({
        id: 'run-comment-502',
        request: { what: 'work', text: 'fix it', delivery: 'delivery' },
      }),
    ],
    ['once more after a crash', start({ kind: 'started' }), { kind: 'started' }],
    ['in a closed thread', start({ kind: 'closed' }), reject('closed')],
    [
      'while another works',
      busy(),
      { kind: 'message', runId: live.id, message: { kind: 'follow-up', text: 'fix it' } },
    ],
    ['that is refused', free({ head: fork }), reject('fork'), onPull],
    ['without words while another works', busy(), says({ text: 'Go on.' }), wordless],
    [
      'with a line of the code',
      {
        ...busy(),
        inline: [{ id: 1, path: 'a.ts', line: 1, hunk: '', body: 'x', author: 'maya' }],
      },
      says({ inline: [{ path: 'a.ts' }] }),
    ],
    [
      'with another model and branch',
      atWork,
      waits,
      withOptions({ model: 'gpt-5.6', branch: 'release' }),
    ],
    [
      'with the model that is at work',
      atWork,
      { kind: 'message' },
      withOptions({ model: 'GPT-5.5' }),
    ],
    ['with a model that nobody has', atWork, noModel, withOptions({ model: 'gpt-9' })],
    [
      'where a session can go on',
      goingOn({ request: { ...ask, options: { ...ask.options, model: 'gpt-5.6' } } }),
      starts({
        session: { taskId: 'task-1' },
        result: { pulls: [{ number: 9 }] },
        request: { options: { model: 'gpt-5.6' } },
      }),
    ],
    [
      'where it goes on, with another model, which need not take the effort of before',
      goingOn({ request: { ...ask, options: { ...ask.options, effort: 'xhigh' } } }),
      doing({ options: { model: 'gpt-5.6', effort: undefined } }),
      otherModel,
    ],
    [
      'where it has read this thread up to some words',
      goingOn({ thread: issueThread, workspace: { readUpTo } }),
      starts({ workspace: { readUpTo } }),
    ],
    [
      'where it has read the issue, and not this thread',
      goingOn({ thread: pullThread, workspace: { readUpTo } }),
      starts({ workspace: { readUpTo: undefined } }),
    ],
    ['by a label', free(), doing({ origin: { kind: 'label' } }), labelled('codex')],
    [
      'by a label in another case, of a preset of the settings',
      settled('labels: { Docs: { instruction: Write the docs. } }'),
      doing({ text: 'Write the docs.' }),
      labelled('Codex:DOCS'),
    ],
    [
      'by a label while another works',
      busy(),
      says({ kind: 'label', label: 'codex' }),
      labelled('codex'),
    ],
    ['by the label of a preset while another works', busy(), waits, labelled('codex:plan')],
    [
      'by the label of a preset that the other works by',
      busy({ live: byPreset }),
      says({ kind: 'label' }),
      labelled('codex:high'),
    ],
    ['by a label after a stop', busy({ live: stopping }), { kind: 'wait' }, labelled('codex')],
    ['by a label after the end', busy({ live: ended }), { kind: 'take-over' }, labelled('codex')],
  ])

  const blocked = waitingWith({ kind: 'blocked', since: t0, by: [], more: 0 })
  const behindPulls = waitingWith({ kind: 'open-pulls', since: t0, most: 1, pulls: [] })
  const atZero = waitingWith({ kind: 'zero', of: 'repository', limit: 'it is 0', ahead: 0 })
  const forced = (text = 'fix it') => asking(comment, { options: { force: true }, text })
  const goesFirst = says({ kind: 'force' })
  const isZero = reject('nothingToForce', { live: atZero, now: comment.at })
  decides(runCommand, [
    ['to start one that is blocked', busy({ live: blocked }), goesFirst, forced('')],
    ['to start one that is blocked, in its words', busy({ live: blocked }), goesFirst, forced()],
    [
      'to start one that is blocked, in other words',
      busy({ live: blocked }),
      says({ kind: 'follow-up', text: 'and soon', forces: true }),
      forced('and soon'),
    ],
    ['to start one behind a pull request', busy({ live: behindPulls }), goesFirst, forced()],
    ['of one at a limit of 0', busy({ live: atZero }), isZero, forced('')],
    [
      'of one at a limit of 0, in words',
      busy({ live: atZero }),
      says({ kind: 'follow-up', forces: undefined }),
      forced(),
    ],
  ])

  test.each([
    ['fix', true],
    ['Fix!', true],
    ['fix it', false],
    ['fix this', false],
    ['fix the conflicts', false],
    ['', false],
  ])('%j names nothing to fix: %s', (text, expected) => expect(namesNothing(text)).toBe(expected))

  const clean = { needs: undefined, pull: 5, rounds: { asked: 0, byPostHog: 0 } }
  decides(runCommand, [
    ['to fix what needs nothing', { ...free(), fix: clean }, reject('nothingToFix', 5)],
    [
      'to fix what needs nothing, of an agent at work',
      { ...atWork, fix: clean },
      says({ kind: 'follow-up', text: 'fix it' }),
    ],
  ])
  const byTemplate = asking(comment, { text: 'release 1.2' })
  const template = {
    kind: 'template' as const,
    name: 'release',
    argument: '1.2',
    text: 'Release 1.2.',
  }
  decides(runCommand, [
    [
      'by a template',
      { ...free(), template },
      doing({ text: 'Release 1.2.', typed: 'release 1.2' }),
      byTemplate,
    ],
    [
      'by a template, while another works',
      { ...busy(), template },
      says({ kind: 'follow-up', text: 'Release 1.2.', typed: 'release 1.2' }),
      byTemplate,
    ],
    [
      'by a template that can not be used',
      { ...free(), template: { kind: 'unusable', name: 'release', why: 'long' } },
      reject('template', 'release', 'long'),
      byTemplate,
    ],
  ])
})
