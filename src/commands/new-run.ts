/**
 * Decides what becomes of a command that starts work.
 * Where nobody works, a new Run begins, unless `refusals.ts` says why not. Else `join-or-wait.ts` decides.
 * `startFacts` reads what the decision needs; `decideStart` decides.
 */

import type { CommandGrammar } from '../core/model/command-grammar.ts'
import { type Person, type PullHead, threadSlot } from '../core/model/thread.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import type { Closer } from '../core/model/views.ts'
import { isUndone } from '../core/record/last-word.ts'
import { requestersOf } from '../core/record/own-pull-request.ts'
import { isReadOnly, type Origin, type RunRequest } from '../core/record/request-part.ts'
import { type NewRun, newRun, type Run } from '../core/record/run.ts'
import { isSamePlace } from '../core/record/words-to-say.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import { type Reply, replies } from '../core/words/replies.ts'
import {
  type Command,
  command,
  type Decision,
  type LastRun,
  type Past,
  type Reads,
  type Request,
  reject,
  type Wanted,
  wants,
} from './command.ts'
import type { CommandTrigger } from './command-context.ts'
import { type Busy, forLive, isOfComment, joinOrWait, joins, waitBehind } from './join-or-wait.ts'
import { mayDouble, refusalOf } from './refusals.ts'
import { checkOptions, presetOf, type Settings, settingsFor, withKept } from './run-options.ts'

export type StartFacts =
  | { kind: 'started' }
  | Busy
  | { kind: 'elsewhere'; live: Run }
  | { kind: 'closed' }
  | {
      kind: 'free'
      head: PullHead | undefined
      past: Past | undefined
      last: LastRun | undefined
      /** These people's words made the thread's work before, be it in another session. */
      before: readonly Person[]
      held: Settings
      closers: readonly Closer[]
    }

export function decideStart(request: Request, wanted: Wanted, facts: StartFacts): Decision {
  switch (facts.kind) {
    case 'started':
      return { kind: 'started' }
    case 'busy':
      return joinOrWait(request, wanted, facts)
    case 'elsewhere':
      return waitBehind(request, facts.live)
    case 'closed':
      return reject(replies.closed)
    case 'free':
      return startAfresh(request, wanted, facts)
  }
}

type Free = StartFacts & { kind: 'free' }

function startAfresh(request: Request, wanted: Wanted, facts: Free): Decision {
  const { trigger, attached, runId, command } = request
  const { head, past, last, before, held } = facts
  const { settings, problem } = held
  const asked = completed(trigger, wanted, { settings, last })
  const checked = checkOptions({ ...held, ...asked, owner: trigger.thread.ownerId })
  const refused = refusalOf({ ...facts, request, wanted: asked, given: wanted.options, checked })
  if (refused) return reject(refused)
  const { what, text, inline, approves, template } = asked
  const goesOn = past && !wanted.options.new
  const run = newRun({
    id: runId,
    thread: trigger.thread,
    request: {
      by: trigger.sender,
      before: before.length > 0 ? [...before] : undefined,
      goesOn: goesOn && sessionBefore(past) ? true : undefined,
      at: trigger.at,
      delivery: trigger.deliveryId,
      origin: originOf(trigger),
      command,
      options: checked.options,
      usualModel: asked.options.model === undefined ? true : undefined,
      attached: attached?.length ? attached : undefined,
      replaces: request.replaces && goesOn && last ? saidBefore(past, last, trigger) : undefined,
      ...{ what, text, inline, approves, template },
      answered: goesOn && !approves ? answeredBefore(last) : undefined,
    },
    baseline: { snapshot: trigger.snapshot, settings, settingsProblem: problem, head },
    ...(goesOn ? goingOn(past, readUpToIn(trigger, last)) : leaving(past)),
    ...superseding(trigger, last),
    mailbox: { fixes: wanted.fixes ? 1 : 0 },
  })
  return { kind: 'start', run }
}

function answeredBefore(last: LastRun | undefined): RunRequest['answered'] {
  const answer = last?.session?.sessionLog?.answer
  if (!last || !answer || !isReadOnly(last.request.what) || last.result?.outcome?.kind !== 'answer')
    return undefined
  return {
    question: last.request.text.slice(0, maxAnswered).toWellFormed(),
    answer: answer.slice(0, maxAnswered).toWellFormed(),
  }
}

const maxAnswered = 8_000

/** The message of the session in whose place an edit put this. */
function saidBefore({ marker }: Past, last: LastRun, trigger: CommandTrigger): string | undefined {
  if (trigger.kind !== 'comment') return undefined
  const said = last.mailbox?.wordsOfRound.findLast(({ source }) =>
    isSamePlace(source?.target, trigger.commentRef),
  )
  return said?.id ?? (isOfComment(last.request, trigger) ? marker.run : undefined)
}

export function superseding({ thread }: CommandTrigger, last: LastRun | undefined): Pick<NewRun, 'report'> {
  const status = last?.report?.status
  // What was folded away once and is in sight again told of its pull request.
  if (!isUndone(last?.result?.outcome) && !last?.report?.done.includes('last-word')) return {}
  if (status?.nodeId === undefined || status.minimized) return {}
  return last?.thread && threadSlot(last.thread) === threadSlot(thread)
    ? { report: { supersedes: [status.nodeId] } }
    : {}
}

/** Adds what its label says and what the session keeps. */
function completed(
  trigger: CommandTrigger,
  wanted: Wanted,
  { settings, last }: { settings: RepoSettings; last: LastRun | undefined },
): Wanted {
  const { options: preset, instruction = '' } = presetOf(trigger, settings) ?? { options: {} }
  const options = { ...preset, ...wanted.options }
  return {
    ...wanted,
    text: wanted.text || instruction,
    options: last && !wanted.options.new ? withKept(last.request.options, options) : options,
  }
}

export function originOf(trigger: CommandTrigger): Origin {
  switch (trigger.kind) {
    case 'label':
      return { kind: 'label', label: trigger.label }
    case 'comment':
      return { kind: 'comment', commentRef: trigger.commentRef }
    case 'tick':
      return { kind: 'tick', admin: trigger.admin }
  }
}

type ReadUpTo = Run['workspace']['readUpTo']

/** An issue and its pull request share a session; how far it read a thread, the last Run of that one knows. */
export const readUpToIn = ({ thread }: CommandTrigger, last: LastRun | undefined): ReadUpTo =>
  last?.thread && threadSlot(last.thread) === threadSlot(thread) ? last.workspace?.readUpTo : undefined

export function goingOn(past: Past, readUpTo: ReadUpTo): Pick<NewRun, 'workspace' | 'session' | 'result'> {
  const { task, made } = past.marker
  const workspace = { madeBranch: made, readUpTo }
  if (task === undefined) return { workspace }
  const pulls = past.pull ? [past.pull] : []
  return {
    workspace,
    session: { taskId: task, earlier: sessionBefore(past) },
    result: { pulls, reported: pulls.length },
  }
}

/** A new session ends the earlier one, since PostHog could resume its agent. */
export function leaving(past: Past | undefined): Required<Pick<NewRun, 'workspace' | 'session'>> {
  const earlier = past && sessionBefore(past)
  return {
    session: { earlier: earlier && { ...earlier, resumes: false } },
    workspace: { madeBranch: past?.marker.made },
  }
}

function sessionBefore({ marker: { task, taskRun, branch, may } }: Past): Run['session']['earlier'] {
  if (task === undefined || taskRun === undefined) return undefined
  return { taskId: task, taskRunId: taskRun, over: false, branch, may }
}

export type StartReads = Pick<
  Reads,
  | 'live'
  | 'isOurs'
  | 'head'
  | 'settings'
  | 'past'
  | 'lastRun'
  | 'models'
  | 'branch'
  | 'sandboxes'
  | 'usual'
  | 'closers'
>

export async function startFacts(
  reads: StartReads,
  { trigger, runId }: Request,
  wanted: Wanted,
): Promise<StartFacts> {
  const live = await reads.live()
  if (live?.id === runId) return { kind: 'started' }
  if (!trigger.snapshot.open && (!live || live.mailbox.stop || live.result.outcome)) return { kind: 'closed' }
  if (live && !reads.isOurs(live)) return { kind: 'elsewhere', live }
  if (live) {
    const matters = joins(live, wanted) && Object.keys(wanted.options).length > 0
    const held =
      matters && (await settingsFor(reads, await reads.settings(), forLive(live, wanted), wanted.options))
    return { kind: 'busy', live, held: held || undefined }
  }
  const [head, settings, past] = await Promise.all([reads.head(), reads.settings(), reads.past()])
  const newest = past && (await reads.lastRun(past))
  const last = wanted.options.new ? undefined : newest
  const asked = completed(trigger, wanted, { settings: settings.settings, last })
  const held = await settingsFor(reads, settings, asked.options, wanted.options)
  const closers = mayDouble(asked) ? await reads.closers() : []
  return { kind: 'free', head, past, last, before: newest ? requestersOf(newest) : [], held, closers }
}

export type InlineReads = StartReads & Pick<Reads, 'inline'>

export interface InlineFacts {
  inline: InlineComment[] | undefined
  start: StartFacts
}

/** What a start needs, read side by side with the comments on lines that come with the command. */
export async function inlineAndStart(
  reads: InlineReads,
  request: Request,
  wanted: Wanted,
): Promise<InlineFacts> {
  const [inline, start] = await Promise.all([reads.inline(), startFacts(reads, request, wanted)])
  return { inline, start }
}

interface ForWords extends Pick<CommandGrammar, 'usage' | 'example' | 'about'> {
  refuses?(request: Request, inline: InlineComment[] | undefined): Reply | undefined
}

/** A command that asks for words and no changes. Each question has an answer of its own. */
export const forWords = (
  what: 'ask' | 'plan' | 'review',
  { refuses, ...grammar }: ForWords,
): Command<InlineFacts> =>
  command({
    ...{ ...grammar, name: what, least: 'write', takes: 'text', options: true, starts: true },
    facts: (reads, request) => inlineAndStart(reads, request, wants(request, { what })),
    decide(request, { inline, start }) {
      const refused = refuses?.(request, inline)
      return refused ? reject(refused) : decideStart(request, wants(request, { what, inline }), start)
    },
  })
