/**
 * Decides what becomes of a command that starts work.
 * Where nobody works, a new Run begins, unless `may-start.ts` says why not. Else `join-or-wait.ts` decides.
 * `startFacts` reads what the decision needs; `decideStart` decides.
 */

import type { CommandGrammar } from '../core/model/command-grammar.ts'
import { threadSlot } from '../core/model/thread.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import { isUndone } from '../core/record/last-word.ts'
import { wordsOfRound } from '../core/record/ledger.ts'
import { requestersOf } from '../core/record/own-pull-request.ts'
import { isReadOnly, type RequestOrigin, type RunRequest } from '../core/record/request-part.ts'
import { type NewRun, newRun, type Run } from '../core/record/run.ts'
import { isSamePlace } from '../core/record/words-to-say.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import {
  type Command,
  type CommandRequest,
  type Conversation,
  command,
  type Decision,
  type Reads,
  type Rejected,
  reject,
  type WantedWork,
  wants,
} from './command.ts'
import type { CommandTrigger } from './command-context.ts'
import { type Busy, forLive, isOfComment, joinOrWait, joins } from './join-or-wait.ts'
import { agreeOn, type Free, mayMeetOtherPull } from './may-start.ts'
import { presetOf, type SettingsReads, settingsFor, withKept } from './run-options.ts'

export type StartFacts =
  | { kind: 'started' }
  | Busy
  | { kind: 'elsewhere'; live: Run }
  | { kind: 'closed' }
  | ({ kind: 'free' } & Free)

export function decideStart(
  request: CommandRequest,
  wanted: WantedWork,
  facts: StartFacts,
): Decision {
  switch (facts.kind) {
    case 'started':
      return { kind: 'started' }
    case 'busy':
      return joinOrWait(request, wanted, facts)
    case 'elsewhere':
      return { kind: 'wait', behind: facts.live }
    case 'closed':
      return reject('closed')
    case 'free':
      return startAfresh(request, wanted, facts)
  }
}

function startAfresh(request: CommandRequest, wanted: WantedWork, free: Free): Decision {
  const { trigger, attached, replaces } = request
  const { conversation, held } = free
  const given = wanted.options
  const goesOn = given.new ? undefined : conversation
  const last = goesOn?.lastRun
  const asked = completed(trigger, wanted, { settings: held.settings, last })
  const { refused, options } = agreeOn({ ...free, request, wanted: asked, given })
  if (refused) return refused
  const { what, text, typed, fixes, inline, approves } = asked
  const { request: whose, ...begun } = requestAndBaseline(request, free)
  const run = newRun({
    ...begun,
    request: {
      ...whose,
      goesOn: goesOn?.session && true,
      options,
      usualModel: asked.options.model === undefined ? true : undefined,
      attached: attached?.length ? attached : undefined,
      replaces: replaces && last && saidBefore(last, trigger),
      what,
      text,
      typed,
      fixes,
      inline,
      approves,
      answered: approves ? undefined : answeredQuestion(last),
    },
    ...(conversation && inSession(conversation, trigger, goesOn ? 'the same' : 'a new task')),
    report: { supersedes: supersededBy(trigger, last) },
    mailbox: { fixes: fixes ? 1 : 0 },
  })
  return { kind: 'start', run }
}

/** Who asked for it, where and when, and what held then. */
export function requestAndBaseline(
  { trigger, runId: id, command }: CommandRequest,
  { head, held, conversation }: Free,
) {
  const { thread, snapshot, sender: by, at, deliveryId: delivery } = trigger
  const before = conversation?.lastRun && requestersOf(conversation.lastRun)
  return {
    id,
    thread,
    request: { by, at, delivery, origin: originOf(trigger), command, before },
    baseline: {
      snapshot,
      head,
      settings: held.settings,
      settingsProblem: held.problem,
    },
  }
}

/** If the session is another one, the earlier one is ended, since PostHog could resume its agent. */
export function inSession(
  { marker, session, pull, lastRun }: Conversation,
  trigger: CommandTrigger,
  which: 'the same' | 'a new run' | 'a new task',
): Pick<NewRun, 'workspace' | 'session' | 'result'> {
  const { task, made } = marker
  const taskId = which === 'a new task' ? undefined : task
  if (which !== 'the same')
    return {
      workspace: { madeBranch: made },
      session: { taskId, earlier: session && { ...session, resumes: false } },
    }
  const pulls = task !== undefined && pull ? [pull] : []
  return {
    // An issue and its pull request share a session, and each Run knows how far its own thread was read.
    workspace: {
      madeBranch: made,
      readUpTo: isIn(trigger, lastRun) ? lastRun.workspace.readUpTo : undefined,
    },
    session: { taskId, earlier: session },
    result: { pulls, reported: pulls.length },
  }
}

const isIn = ({ thread }: CommandTrigger, run: Run | undefined): run is Run =>
  run !== undefined && threadSlot(run.thread) === threadSlot(thread)

function answeredQuestion(last: Run | undefined): RunRequest['answered'] {
  const answer = last?.session.sessionLog?.answer
  if (!last || !answer || !isReadOnly(last.request.what) || last.result.outcome?.kind !== 'answer')
    return undefined
  return {
    question: last.request.text.slice(0, maxAnswered).toWellFormed(),
    answer: answer.slice(0, maxAnswered).toWellFormed(),
  }
}

const maxAnswered = 8_000

/** The message of the session in whose place an edit put this. */
function saidBefore(last: Run, trigger: CommandTrigger): string | undefined {
  if (trigger.kind !== 'comment') return undefined
  const said = wordsOfRound(last).findLast(({ source }) =>
    isSamePlace(source?.target, trigger.commentRef),
  )
  return said?.id ?? (isOfComment(last.request, trigger) ? last.id : undefined)
}

/** The status that is old news once another Run begins. */
export function supersededBy(trigger: CommandTrigger, last: Run | undefined): string[] {
  if (!isIn(trigger, last)) return []
  const { status, done } = last.report
  // What was folded away once and is in sight again told of its pull request.
  const isOver = isUndone(last.result.outcome) || done.includes('last-word')
  return isOver && status?.nodeId !== undefined && !status.minimized ? [status.nodeId] : []
}

/** Adds what its label says and what the session keeps. */
function completed(
  trigger: CommandTrigger,
  wanted: WantedWork,
  { settings, last }: { settings: RepoSettings; last: Run | undefined },
): WantedWork {
  const { options: preset, instruction = '' } = presetOf(trigger, settings)
  const options = { ...preset, ...wanted.options }
  return {
    ...wanted,
    text: wanted.text || instruction,
    options: last ? withKept(last.request.options, options) : options,
  }
}

function originOf(trigger: CommandTrigger): RequestOrigin {
  switch (trigger.kind) {
    case 'label':
      return { kind: 'label', label: trigger.label }
    case 'comment':
      return { kind: 'comment', commentRef: trigger.commentRef }
    case 'tick':
      return { kind: 'tick', admin: trigger.admin }
  }
}

export type StartReads = SettingsReads &
  Pick<Reads, 'live' | 'isOurs' | 'head' | 'settings' | 'conversation' | 'closers'>

export async function startFacts(
  reads: StartReads,
  { trigger, runId }: CommandRequest,
  wanted: WantedWork,
): Promise<StartFacts> {
  const live = await reads.live()
  if (live?.id === runId) return { kind: 'started' }
  const worksClosed = wanted.what === 'ask'
  if (!trigger.snapshot.open && !worksClosed && (!live || live.mailbox.stop || live.result.outcome))
    return { kind: 'closed' }
  if (live && !reads.isOurs(live)) return { kind: 'elsewhere', live }
  if (live) {
    const matters = joins(live, wanted) && Object.keys(wanted.options).length > 0
    const held =
      matters &&
      (await settingsFor(reads, await reads.settings(), forLive(live, wanted), wanted.options))
    return { kind: 'busy', live, held: held || undefined }
  }
  const [head, read, conversation] = await Promise.all([
    reads.head(),
    reads.settings(),
    reads.conversation(),
  ])
  const { settings } = read
  const last = wanted.options.new ? undefined : conversation?.lastRun
  const asked = completed(trigger, wanted, { settings, last })
  const held = await settingsFor(reads, read, asked.options, wanted.options)
  const closers = mayMeetOtherPull(asked) ? await reads.closers() : []
  return { kind: 'free', head, conversation, held, closers }
}

export type InlineReads = StartReads & Pick<Reads, 'inline'>

export type InlineFacts = Awaited<ReturnType<typeof inlineAndStart>>

/** What a start needs, read side by side with the comments on lines that come with the command. */
export async function inlineAndStart(
  reads: InlineReads,
  request: CommandRequest,
  wanted: WantedWork,
) {
  const [inline, start] = await Promise.all([reads.inline(), startFacts(reads, request, wanted)])
  return { inline, start }
}

interface ForWords extends Pick<CommandGrammar, 'usage' | 'example' | 'about'> {
  refuses?(request: CommandRequest, inline: InlineComment[] | undefined): Rejected | undefined
}

/** A command that asks for words and no changes. Each question has an answer of its own. */
export const forWords = (
  what: 'ask' | 'plan' | 'review',
  { refuses, ...grammar }: ForWords,
): Command<InlineFacts> =>
  command({
    ...grammar,
    name: what,
    least: 'write',
    takes: 'text',
    options: true,
    starts: true,
    facts: (reads, request) => inlineAndStart(reads, request, wants(request, { what })),
    decide(request, { inline, start }) {
      return (
        refuses?.(request, inline) ?? decideStart(request, wants(request, { what, inline }), start)
      )
    },
  })
