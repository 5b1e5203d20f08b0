/** Each command by itself: from facts to a decision, without a service. */

import { describe, expect, test } from 'vitest'
import { approveCommand } from '../../src/commands/approve-command.ts'
import { askCommand } from '../../src/commands/ask-command.ts'
import {
  answerWith,
  type Command,
  type CommandRequest,
  type Decision,
  type Reads,
  reject,
} from '../../src/commands/command.ts'
import type { CommandTrigger } from '../../src/commands/command-context.ts'
import { continueCommand } from '../../src/commands/continue-command.ts'
import { type StartFacts, startFacts, supersededBy } from '../../src/commands/new-run.ts'
import { planCommand } from '../../src/commands/plan-command.ts'
import { retryCommand } from '../../src/commands/retry-command.ts'
import { namesNothing, runCommand } from '../../src/commands/run-command.ts'
import { type SettingsToStart, wantedBy } from '../../src/commands/run-options.ts'
import { statusCommand } from '../../src/commands/status-command.ts'
import { stopCommand } from '../../src/commands/stop-command.ts'
import { runRequest } from '../../src/core/agent/run-request.ts'
import {
  flagOf,
  infoOf,
  type OptionName,
  Options,
  optionNames,
} from '../../src/core/command/options.ts'
import type { PullHead } from '../../src/core/model/thread.ts'
import { agentFailure } from '../../src/core/record/agent-failures.ts'
import { questionId } from '../../src/core/record/permission-request.ts'
import { mayServe, RunOptions, rightsOf } from '../../src/core/record/request-part.ts'
import {
  changed,
  type Outcome,
  type Run,
  type RunChange,
  type Waits,
} from '../../src/core/record/run.ts'
import { DeploymentSettings, grantsOf } from '../../src/core/settings/deployment-settings.ts'
import { type Reply, replies } from '../../src/core/words/replies.ts'
import {
  ask,
  branch,
  head,
  issueThread,
  logIs,
  maya,
  minute,
  more,
  pull,
  pullThread,
  runWith,
  t0,
  told,
  working,
  zoe,
} from '../core/given.ts'
import { settingsOf } from '../support/deployment.ts'
import { asking, comment, conversation, held, label, marker, session } from './asked.ts'

const tick: CommandTrigger = { ...comment, kind: 'tick', box: 'stop', run: 'run-of-before' }

const withOptions = (options: CommandRequest['options']): CommandRequest =>
  asking(comment, { options })
const afresh = withOptions({ new: true })
const otherModel = withOptions({ model: 'gpt-5.6' })
const wordless = asking(comment, { text: '' })
const fork = { ...head, repoId: 200 }
const onPull = asking({ ...comment, thread: pullThread })
const labelled = (name: string): CommandRequest => asking({ ...label, label: name }, { text: '' })
const closed = (trigger: CommandTrigger): CommandTrigger => ({
  ...trigger,
  snapshot: { ...trigger.snapshot, open: false },
})

const live = working({ request: { ...ask, at: t0 } })
const ended = working({ result: { outcome: { kind: 'answer' } }, report: { done: told } })
const byPreset = working({ request: { ...ask, origin: { kind: 'label', label: 'codex:high' } } })
const waitingWith = (waits: Waits): Run =>
  runWith({ request: { ...ask, at: t0, text: 'fix it' }, schedule: { admitted: false, waits } })
const stopping = working({ mailbox: { stop: { by: maya, at: t0 } } })

const withPull = { ...conversation, pull }
const readUpTo = { of: 'run-comment-400', at: t0 - 1_000, places: ['thread-400'] }
const lastPlan = (outcome: Outcome): Run =>
  runWith({ request: { ...ask, what: 'plan' }, result: { outcome } })
const activity = { files: ['a.ts'], commands: 1, plan: [], at: t0 }
const leftFiles = { sessionLog: { offset: 0, turns: 1, prompts: [], activity } }
const question = { ...ask, what: 'ask', text: 'why?' } as const
const lastQuestion = (outcome: Outcome): Run =>
  runWith({
    request: question,
    result: { outcome },
    session: { sessionLog: { offset: 0, turns: 1, prompts: [], answer: 'So.' } },
  })
const start = (facts: StartFacts) => ({ inline: undefined, start: facts })
/** Nobody works in the thread. */
const free = (rest: Partial<StartFacts & { kind: 'free' }> = {}) =>
  start({
    kind: 'free',
    head: undefined,
    conversation: undefined,
    held: held(),
    closers: [],
    ...rest,
  })
/** Nobody works in the thread, whose session of before can go on. */
const goingOn = (...last: RunChange[]) =>
  free({ conversation: { ...withPull, lastRun: runWith(...last) } })
/** Nobody works in the thread, which had a session without a pull request, and this last Run. */
const since = (lastRun?: Run) => free({ conversation: { ...conversation, lastRun } })
/** Nobody works in the thread, where these settings hold. */
const settled = (file: string) => free({ held: held(file) })
/** A run works in the thread. */
const busy = (rest: Partial<StartFacts & { kind: 'busy' }> = {}) =>
  start({ kind: 'busy', live, held: undefined, ...rest })
/** One does whose settings are known. */
const atWork = busy({ held: held() })

/** What is decided of “/codex fix it”, or of another request. */
type Row<Facts> = [when: string, facts: Facts, decision: object, request?: CommandRequest]

function decides<Facts>(
  command: Command<Facts>,
  rows: readonly Row<Facts>[],
  usual = asking(comment),
): void {
  test.each(rows)(`${command.name}, %s`, (_, facts, expected, request = usual) => {
    const decision: Decision = command.decide(request, facts)
    expect(decision).toMatchObject(expected)
  })
}

const waits = (announce: Reply): object => ({ kind: 'wait', announce })
const starts = (run: object = {}): object => ({ kind: 'start', run })
const doing = (request: object): object => starts({ request })
const startsPlan = doing({ what: 'plan', options: { permission: 'read-only' } })
const says = (message: object): object => ({ kind: 'message', message })

const noModel = reject('model', 'gpt-9', 'gpt-5.6', held().known.models)

const choices = { id: 'q1', title: 'Which way?', question: true, options: [] }
const waitsForChoice = working(
  logIs({ offset: 1, turns: 0, prompts: [], permissionRequest: choices }),
)
const choosing = (run: string): CommandRequest =>
  asking({ ...tick, box: 'choice-2', run }, { text: '2' })
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
      waits(replies.queuedBehind({}, ['model', 'branch'])),
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
    [
      'by the label of a preset while another works',
      busy(),
      waits(replies.queuedBehind({ label: 'codex:plan' })),
      labelled('codex:plan'),
    ],
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
  const forced = (text = 'fix it'): CommandRequest =>
    asking(comment, { options: { force: true }, text })
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
    ['Fix it!', true],
    ['fix the conflicts', true],
    ['fix the login', false],
    ['fix it in the tests', false],
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

  test.each([
    ['codex', '', 'work'],
    ['codex:high', '', 'work'],
    ['codex:plan', '', 'plan'],
    ['codex:ask', '', 'ask'],
    ['Codex:Review', '', 'review'],
    ['codex:nobody-has-it', '', 'work'],
    ['codex:look', 'labels: {look: {plan: true}}', 'plan'],
    ['codex:review', 'labels: {Review: {instruction: Review the docs.}}', 'work'],
  ])('the label %s, with the settings “%s”, asks for: %s', (name, file, what) =>
    expect(wantedBy({ ...label, label: name }, settingsOf(file))).toBe(what),
  )

  decides(planCommand, [
    ['in a thread of its own', free(), startsPlan],
    ['by a label', free(), startsPlan, labelled('codex:plan')],
    [
      'by a label of the settings',
      settled('labels: {look: {plan: true, effort: low}}'),
      doing({ what: 'plan', options: { effort: 'low' } }),
      labelled('codex:look'),
    ],
    ['where agents wait for permissions', settled('mode: interactive'), reject('planInteractive')],
  ])

  const onLine = { kind: 'inline', commentId: 3, rootId: 3, reviewId: null, nodeId: 'n' } as const
  const line = { id: 3, path: 'a.ts', line: 1, hunk: '', body: '/codex ask', author: 'maya' }
  const asksNothing = reject('noQuestion')
  const inReview = { ...comment, commentRef: { kind: 'review', reviewId: 4, nodeId: 'n' } } as const
  const onLineOf = { ...comment, commentRef: { ...onLine, inline: line } }
  const startsAnswer = doing({ what: 'ask', options: { permission: 'read-only' } })
  const bareOnLine = asking(onLineOf, { text: '' })
  const bareInReview = asking(inReview, { text: '' })
  const reply = { ...line, parent: { author: 'zoe', body: 'Why?' } }
  decides(askCommand, [
    ['in a thread of its own', free(), startsAnswer],
    ['where agents wait for permissions', settled('mode: interactive'), reject('planInteractive')],
    ['without a question', free(), asksNothing, wordless],
    ['by a label', free(), startsAnswer, asking(label, { text: '' })],
    ['without a question on a line', { ...free(), inline: [line] }, asksNothing, bareOnLine],
    ['about what it replies to', { ...free(), inline: [reply] }, startsAnswer, bareOnLine],
    ['about the lines of a review', { ...free(), inline: [line] }, startsAnswer, bareInReview],
    ['of a review without lines', { ...free(), inline: [] }, asksNothing, bareInReview],
  ])

  const goOn = 'Go on where you stopped.'
  const continueBox = (run: string): CommandRequest =>
    asking({ ...tick, box: 'continue', run }, { text: '' })
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
  const unpublished = changed(lastQuestion({ kind: 'answer' }), {
    request: ask,
    session: leftFiles,
  })
  decides(
    continueCommand,
    [
      ['without words', busy(), says({ text: goOn, typed: 'continue' })],
      [
        'files that were published nowhere',
        since(unpublished),
        doing({ what: 'work', text: 'Publish what you changed.' }),
      ],
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

  const planning = working({ request: { ...ask, what: 'plan' } })
  const plan = {
    approves: { plan: 'run-1', branch: 'codex/x', sha: 'a'.repeat(40) },
    options: { model: 'gpt-5.6' },
    mayGo: false,
    run: planning,
  }
  const unmoved = { name: 'codex/x', sha: 'a'.repeat(40) }
  const moved = { ...unmoved, sha: 'f'.repeat(40) }
  const outdated = reject('planOutdated', moved.name, moved.sha)
  const approving = (now: typeof unmoved | undefined, mayGo = false) => ({
    plan: { ...plan, mayGo },
    now,
    isAsSaid: true,
    ...free(),
  })
  const changedPlan = { ...approving(unmoved), isAsSaid: false }
  decides(approveCommand, [
    ['without a plan', {}, reject('nothingToApprove')],
    ['while another works', { live }, reject('stillGoing', 'approve')],
    ['while the plan is being made', { live: planning }, { kind: 'wait' }],
    ['when the plan was told', { live: ended }, { kind: 'take-over' }],
    [
      'that may have been changed',
      {
        ...changedPlan,
        plan: { ...plan, mayGo: false, approves: { ...plan.approves, text: '1. So' } },
      },
      { kind: 'show-plan', run: planning },
    ],
    [
      'that may have been, and is not known any more',
      changedPlan,
      reject('planChanged', undefined),
    ],
    ['where its branch is gone', approving(undefined), reject('planElsewhere', 'codex/x')],
    [
      'where its branch went unused',
      approving(undefined, true),
      doing({ what: 'work', approves: expect.not.objectContaining({ branch: expect.anything() }) }),
    ],
    ['where its branch had no commit, and has moved', approving(moved, true), outdated],
    ['where its branch has moved', approving(moved), outdated],
    [
      'as it was made',
      approving(unmoved),
      doing({ what: 'work', approves: plan.approves, options: { model: 'gpt-5.6' } }),
    ],
  ])

  const before = {
    conversation: {
      ...withPull,
      lastRun: runWith({ request: { ...ask, approves: plan.approves } }),
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

describe('what asks for none', () => {
  const writtenBefore = asking({ ...comment, at: t0 - minute })
  decides(stopCommand, [
    ['where nothing goes on', { isDone: false }, reject('nothingToStop')],
    ['while one works', { live }, { kind: 'message', runId: live.id, message: { kind: 'stop' } }],
    ['written before the run was asked for', { live }, reject('askedSince'), writtenBefore],
    [
      'on the pull request of an issue whose run works',
      { live: undefined, beside: live },
      { kind: 'message', runId: live.id, message: { kind: 'stop' }, beside: issueThread },
      onPull,
    ],
    [
      'there, while its own run only ends',
      { live: { ...ended, thread: pullThread }, beside: live },
      { kind: 'message', beside: issueThread },
      onPull,
    ],
    [
      'there, written before what was said to the run',
      { live: undefined, beside: working({ mailbox: { lastWordsAt: t0 + 2 * minute } }) },
      reject('askedSince'),
      onPull,
    ],
    ['by the box of another run', { live }, reject('nothingToStop'), asking(tick)],
    ['by its own box', { live }, { kind: 'message' }, asking({ ...tick, run: live.id })],
    [
      'by its own box, in the second in which a box had begun it',
      { live: working({ request: { ...live.request, at: t0, origin: { kind: 'tick' } } }) },
      { kind: 'message' },
      asking({ ...tick, at: t0, run: live.id }),
    ],
    [
      'by its own box, which the run saw before',
      { isDone: true },
      { kind: 'silence' },
      asking(tick),
    ],
  ])

  decides(statusCommand, [
    ['for a stranger who had it', undefined, { kind: 'silence' }],
    ['while one works', { live }, answerWith(replies.status({ live }))],
    [
      'while one works in the other thread',
      { beside: live },
      answerWith(replies.status({ beside: live })),
      onPull,
    ],
    [
      'after the last one',
      { asked: true, last: ended },
      answerWith(replies.status({ last: ended, asked: true })),
    ],
    ['where nothing was asked', {}, answerWith(replies.status({}))],
  ])

  const status = { commentId: 900, hash: 'h', phase: 'p', at: t0, nodeId: 'IC_900' }
  const stopped = working({
    result: { outcome: { kind: 'stopped', by: 'maya' } },
    report: { status },
  })
  test.each<[string, Run, string[]]>([
    ['a stop that was told by its status alone', stopped, ['IC_900']],
    [
      'a stop whose status is folded away',
      changed(stopped, { report: { status: { ...status, minimized: true } } }),
      [],
    ],
    ['one in another thread', { ...stopped, thread: pullThread }, []],
    [
      'an answer, whose status is folded away below it',
      changed(stopped, { result: { outcome: { kind: 'answer' } } }),
      [],
    ],
    ['one that the queue has lost', changed(stopped, { report: { status: undefined } }), []],
  ])('the next run makes old news of %s', (_, last, supersedes) => {
    expect(supersededBy(comment, last)).toEqual(supersedes)
  })

  test.each([
    ['is being stopped', stopping],
    ['has its answer', ended],
    ['is not there', undefined],
  ])('words on a closed issue whose run %s begin nothing', async (_, run) => {
    const reads = { live: async () => run, isOurs: () => true } as unknown as Parameters<
      typeof startFacts
    >[0]
    const wanted = { what: 'work', text: 'go on', options: {} } as const
    expect(await startFacts(reads, asking(closed(comment)), wanted)).toEqual({ kind: 'closed' })
  })
})

describe('each option', () => {
  /** Of any that takes a text, as it is written and as it is recorded. */
  const other = '8d1ae1a0-9a44-4d32-8d0c-3a7be2a0d7e1'
  const only = (name: OptionName): Options => {
    const { takes } = infoOf(name)
    const value =
      takes.kind === 'text' ? other : takes.kind === 'choice' ? takes.of[0] : takes.means
    return Options.parse({ [name]: value })
  }
  const anything = { as_user: true, signal_report: true, sandboxes: [other] }
  const granted = held('as_user: true', {
    grants: grantsOf(DeploymentSettings.parse({ owners: { 5: anything } }), issueThread.ownerId),
  })

  interface State {
    command?: Command
    trigger?: CommandTrigger
    live?: Run
    last?: Run
    head?: PullHead
    settings?: SettingsToStart
    /** Which Runs have the option, if not only the one that is asked for now. */
    has?: 'before' | 'both'
  }

  const readsIn = ({ live, last, head, command, settings = granted }: State): Reads => {
    const known: Partial<Record<keyof Reads, unknown>> = {
      live: async () => live,
      isOurs: () => true,
      head: async () => head,
      settings: async () => settings,
      conversation: async () =>
        last && {
          marker: { ...marker, what: last.request.what },
          session: { ...session, may: rightsOf(last.request.options, '') },
          pull: undefined,
          lastRun: last,
        },
      models: async () => [...settings.known.models, { name: other, efforts: undefined }],
      branch: async (name: string) => ({ name, sha: branch.sha }),
      sandboxes: async () => [{ id: other, name: other }],
      usual: settings.usual,
      closers: async () =>
        command === runCommand || command === retryCommand ? [] : expect.fail('for words'),
      inline: async () => undefined,
      template: async () => undefined,
      shown: async () => undefined,
      isPlanAsSaid: async () => true,
    }
    return known as unknown as Reads
  }

  const having = (name: OptionName, run: Run | undefined): Run | undefined => {
    const options = RunOptions.parse({ ...ask.options, ...only(name) })
    const at = { ...branch, name: options.branch ?? branch.name, into: options.base ?? branch.into }
    return run && changed(run, { request: { ...run.request, options }, workspace: { branch: at } })
  }

  const sessionIn = ({ session: { earlier }, request }: Run): string => {
    if (!earlier) return ''
    if (earlier.resumes === false) return ', in a new session'
    return mayServe(earlier, rightsOf(request.options, ''))
      ? ', in its task run'
      : ', in a new task run'
  }

  function inWords(decision: Decision, name: OptionName): string {
    if (decision.kind === 'reply')
      return `refused: ${decision.reply.text.replaceAll(/`[^`]*`/g, '…').split('.')[0]}`
    if (decision.kind === 'message' && decision.message.kind === 'follow-up')
      return decision.message.forces ? 'joins, and starts it' : 'joins'
    if (decision.kind === 'wait' && decision.announce)
      return decision.announce.text.includes(`with another \`${flagOf(name)}\`.`)
        ? 'waits, it differs'
        : 'waits'
    if (decision.kind !== 'start') return decision.kind
    const options: Options = decision.run.request.options
    return `starts ${options[name] === only(name)[name] ? 'with' : 'without'} it${sessionIn(decision.run)}`
  }

  async function decided(
    name: OptionName,
    { trigger = comment, command = runCommand, has, ...state }: State,
  ) {
    const before = has && { live: having(name, state.live), last: having(name, state.last) }
    const request = asking(trigger, {
      text: 'and in blue',
      options: has === 'before' ? {} : only(name),
    })
    const facts = await command.facts(readsIn({ ...state, ...before, command }), request)
    return inWords(command.decide(request, facts), name)
  }

  const options =
    '--model --effort --branch --base --force --new --sandbox --as-user --signal-report'
  type Outcomes = Record<string, string>
  /** One outcome for all options that there are, but for these. */
  const all = (outcome: string, others: Outcomes = {}): Outcomes => {
    const each = { [options]: outcome, ...others }
    return Object.assign({}, ...Object.entries(each).map(([flags, of]) => ofEach(flags, of)))
  }
  const ofEach = (flags: string, outcome: string): Outcomes =>
    Object.fromEntries(flags.split(' ').map(flag => [flag, outcome]))

  const outcomes = async (
    outcomeOf: (name: OptionName) => Promise<string> | string,
  ): Promise<Outcomes> =>
    Object.fromEntries(
      await Promise.all(
        optionNames.map(async name => [flagOf(name), await outcomeOf(name)] as const),
      ),
    )

  const byZoe = { ...comment, sender: zoe }
  const onPullThread = { ...comment, thread: pullThread }
  const finished = working({ result: { outcome: { kind: 'answer' } } })
  const failed = working({
    result: { outcome: agentFailure({ class: 'agent_error', text: 'overloaded' }) },
  })
  const planned = runWith({
    request: { ...ask, what: 'plan' },
    result: { outcome: { kind: 'answer' } },
  })
  const questioned = runWith({
    request: { ...ask, what: 'ask', options: { ...ask.options, permission: 'read-only' } },
    result: { outcome: { kind: 'answer' } },
  })
  const whileOneWorks = all('waits, it differs', { '--new': 'waits', '--force': 'joins' })
  const unlessNew = (outcome: string, without = 'starts without it') =>
    all(outcome, { '--new': without })
  const newSession = 'starts without it, in a new session'
  const sameTaskRun = 'starts without it, in its task run'
  const ofPull = { '--base': 'refused: a pull request has a base already' }
  const answering = working({ request: { ...ask, at: t0, what: 'ask' } })

  // A new option is missing in all of them, until what becomes of it is held here.
  test.each<[string, State, Outcomes]>([
    ['nothing runs', {}, unlessNew('starts with it')],
    [
      'nothing is granted',
      { settings: held('as_user: true') },
      {
        ...unlessNew('starts with it'),
        '--sandbox': 'refused: this bot does not allow that sandbox environment in this repository',
        ...ofEach(
          '--as-user --signal-report',
          'refused: this bot does not allow … in this repository',
        ),
      },
    ],
    [
      'the repository allows nothing',
      { settings: { ...granted, settings: settingsOf() } },
      { ...unlessNew('starts with it'), '--as-user': 'refused: this repository does not allow …' },
    ],
    ['a run works', { live }, whileOneWorks],
    ['a run works that somebody else asked for', { live, trigger: byZoe }, whileOneWorks],
    ['a run works that has it', { live, has: 'both' }, unlessNew('joins', 'waits')],
    ['a run works that has it, for words without it', { live, has: 'before' }, all('joins')],
    ['a run works, for a plan', { live, command: planCommand }, all('waits')],
    ['a run works, for a question', { live, command: askCommand }, all('waits')],
    [
      'a question is being answered, for another one',
      { live: answering, command: askCommand },
      all('waits'),
    ],
    ['a question is being answered, for work', { live: answering }, all('waits')],
    ['a run is being stopped', { live: stopping }, whileOneWorks],
    ['a run has told its result', { live: ended }, all('take-over', { '--force': 'joins' })],
    [
      'a run waits for another issue',
      { live: waitingWith({ kind: 'blocked', since: t0, by: [], more: 0 }) },
      { ...whileOneWorks, '--force': 'joins, and starts it' },
    ],
    [
      'a run waits in line',
      { live: waitingWith({ kind: 'line', ahead: 1, of: 'owner' }) },
      whileOneWorks,
    ],
    [
      'a run can go on',
      { last: finished },
      {
        ...unlessNew('starts with it, in a new task run', newSession),
        ...ofEach('--branch --base --force', 'starts with it, in its task run'),
      },
    ],
    [
      'a run can go on that had it',
      { last: finished, has: 'both' },
      unlessNew('starts with it, in its task run', newSession),
    ],
    [
      'a run can go on that had it, for words without it',
      { last: finished, has: 'before' },
      all('starts with it, in its task run', { '--branch --force --new': sameTaskRun }),
    ],
    [
      'a run failed, for a retry',
      { last: failed, command: retryCommand },
      unlessNew('starts with it, in a new session', newSession),
    ],
    [
      'a run failed that had it, for a retry without it',
      { last: failed, command: retryCommand, has: 'before' },
      all('starts with it, in a new session', { '--force --new': newSession }),
    ],
    [
      'a plan had it that is approved',
      { last: planned, command: approveCommand, has: 'before' },
      all('starts with it, in its task run', { '--force --new': sameTaskRun }),
    ],
    [
      'a question was answered, for work',
      { last: questioned },
      unlessNew('starts with it, in a new task run', newSession),
    ],
    [
      'a pull request is asked for more',
      { head, trigger: onPullThread },
      { ...unlessNew('starts with it'), ...ofPull },
    ],
    [
      'a fork is asked for work',
      { head: fork, trigger: onPullThread },
      all('refused: this pull request comes from a fork', ofPull),
    ],
    ...[planCommand, askCommand].map((command): [string, State, Outcomes] => [
      `a fork is asked, for ${command.name}`,
      { head: fork, trigger: onPullThread, command },
      { ...unlessNew('starts with it'), ...ofPull },
    ]),
  ])('where %s', async (_, state, expected) => {
    expect(await outcomes(name => decided(name, state))).toEqual(expected)
  })

  test('at PostHog', async () => {
    const bodyWith = (options: Options) =>
      Object.entries(runRequest({ ...ask.options, ...options, branch: 'b', prompt: 'p' }))
    const usual = new Map(bodyWith({}))
    const fieldsOf = (name: OptionName): string => {
      const changes = bodyWith(only(name)).filter(([key, value]) => usual.get(key) !== value)
      return changes.map(([key]) => key).join()
    }
    expect(await outcomes(fieldsOf)).toEqual(
      all('', {
        '--model': 'model',
        '--effort': 'reasoning_effort',
        '--sandbox': 'sandbox_environment_id',
        '--as-user': 'pr_authorship_mode',
        '--signal-report': 'run_source,signal_report_id',
      }),
    )
  })
})
