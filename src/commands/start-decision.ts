/**
 * Decides what becomes of a command that starts work.
 * It starts a Run, joins the one that is live, takes that one's place, waits behind it, or is refused.
 * `startFacts` reads what the decision needs; `decideStart` decides.
 */
import type { SettingsNow } from '../access/read-settings.ts'
import { type OptionName, type Options, optionsThat } from '../core/command/options.ts'
import { isBranchOfIssue, stemOf } from '../core/model/branch-name.ts'
import { isFork, type Person, type PullHead, type Thread, threadSlot } from '../core/model/thread.ts'
import type { InlineComment, LabelTrigger } from '../core/model/trigger.ts'
import type { Closer, Pull } from '../core/model/views.ts'
import { isUndone } from '../core/record/last-word.ts'
import { isAtWork } from '../core/record/messages.ts'
import { requestersOf } from '../core/record/own-pull-request.ts'
import { isReadOnly, type Origin, type RunOptions, type RunRequest } from '../core/record/request-part.ts'
import { type NewRun, newRun, type Run } from '../core/record/run.ts'
import { isAnswered } from '../core/record/turn.ts'
import { isSamePlace } from '../core/record/words-to-say.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import type { Reply } from '../core/words/replies.ts'
import { type Decision, type LastRun, type Past, type Reads, type Request, reject } from './command.ts'
import type { CommandTrigger } from './command-context.ts'
import {
  type CheckedOptions,
  checkOptions,
  type Known,
  knownFor,
  presetNameOf,
  presetOf,
  withKept,
} from './run-options.ts'

export interface Wanted {
  what: RunRequest['what']
  text: string
  options: Options
  mayJoin: boolean
  inline?: InlineComment[]
  approves?: RunRequest['approves']
  /** What a pull request needs. */
  fixes?: true
  template?: RunRequest['template']
}

/** What a command wants that asks for words and no changes. Each question has an answer of its own. */
export const forWords =
  (what: 'ask' | 'plan' | 'review') =>
  ({ text, options }: Request, inline?: InlineComment[]): Wanted => ({
    ...{ what, text, options, inline },
    mayJoin: false,
  })

export type StartFacts =
  | { kind: 'started' }
  | { kind: 'busy'; live: Run; held: Settings | undefined }
  | { kind: 'elsewhere'; live: Run }
  | { kind: 'closed' }
  | {
      kind: 'free'
      head: PullHead | undefined
      past: Past | undefined
      last: LastRun | undefined
      /** By whose words the thread's work was made before, be it in another session. */
      before: readonly Person[]
      held: Settings
      closers: readonly Closer[]
    }

export interface Settings extends Omit<SettingsNow, 'files'> {
  usual: Reads['usual']
  known: Known
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
      return reject({ kind: 'closed' })
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
  if (asked.kind !== 'completed') return refuseStart(held, asked)
  const agreed = agreeOn(request, { ...asked.wanted, given: wanted.options }, facts)
  if (agreed.kind !== 'checked') return agreed
  const { what, text, inline, approves, template } = asked.wanted
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
      options: agreed.options,
      usualModel: asked.wanted.options.model === undefined ? true : undefined,
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

interface Starting extends Pick<Wanted, 'options' | 'what' | 'approves'> {
  /** The part of the options that was written now. */
  given: Options
  /** What was asked before is asked again. */
  again?: true
}

/** The options that a start has, or why there is none. */
export function agreeOn(
  request: Request,
  { given, again, ...asked }: Starting,
  facts: Omit<Free, 'kind' | 'before'>,
): CheckedOptions | Decision {
  const { thread } = request.trigger
  const { head, past, last, held } = facts
  if (!held.usable) return refuseStart(held)
  const pulls = past?.pull && !given.new ? [past.pull] : []
  const misplaced = misplacedBase(request.trigger, given, pulls, head)
  if (misplaced) return refuseStart(held, misplaced)
  if (head && isFork(head, thread) && !isReadOnly(asked.what)) return refuseStart(held, { kind: 'fork' })
  const agreed = checked(asked, thread, held)
  if (agreed.kind !== 'checked') return refuseStart(held, agreed)
  const tooDear = given.new ? undefined : sessionCost(last, held.settings)
  if (tooDear) return refuseStart(held, { ...tooDear, again })
  const others = mayDouble(asked) ? byOthers(request, facts) : []
  const { line, text } = request
  // What stands on lines below is kept by whoever writes it again.
  const words = again ? 'retry' : text.includes('\n') ? undefined : (line ?? '')
  if (others.length > 0) return refuseStart(held, { kind: 'has-pull', pulls: others, words })
  return agreed
}

/** A pull request that is open has its base, and only people move it. */
function misplacedBase(
  { thread }: CommandTrigger,
  { base, branch }: Options,
  pulls: readonly Pull[],
  head?: PullHead,
): Reply | undefined {
  if (base === undefined) return undefined
  if (thread.kind === 'pull' && (branch === undefined || branch === head?.ref))
    return { kind: 'base-of-pull' }
  const open = pulls.find(pull => pull.state === 'open' && pull.head === (branch ?? pull.head))
  return open && open.base !== base ? { kind: 'base-taken', pull: open.number, base: open.base } : undefined
}

/** What a session has cost that takes no more. */
function sessionCost(
  last: LastRun | undefined,
  { limits: { cost_per_run: limit } }: RepoSettings,
): (Reply & { kind: 'session-cost' }) | undefined {
  const cost = last?.session?.cost
  return cost && limit !== undefined && cost >= limit ? { kind: 'session-cost', cost, limit } : undefined
}

/** Whether it may do a second time what an open pull request does. */
export const mayDouble = ({
  options,
  what,
  approves,
}: Pick<Wanted, 'options' | 'what' | 'approves'>): boolean => !options.force && !approves && !isReadOnly(what)

/** Not of this thread's own work, which goes on there. */
const byOthers = (
  { trigger: { thread } }: Request,
  { closers, past, held }: Pick<Free, 'closers' | 'past' | 'held'>,
): Closer[] =>
  closers.filter(({ number, branch }) => {
    const isOwn =
      branch !== undefined &&
      (branch === past?.marker.made ||
        isBranchOfIssue(branch, stemOf(held.settings.branch_prefix, thread.number)))
    return !isOwn && number !== past?.marker.pull
  })

/** Problems of the settings are told with any rejection, and are one if there are no settings to use. */
function refuseStart({ problem, slips, usable }: Settings, reply?: Reply): Decision {
  if (!usable || !reply) return reject({ kind: 'bad-settings', problem: problem ?? '', slips })
  return reject(problem === undefined ? reply : { kind: 'beside-slips', reply, problem, slips })
}

export function superseding({ thread }: CommandTrigger, last: LastRun | undefined): Pick<NewRun, 'report'> {
  const status = last?.report?.status
  // What was folded away once and is in sight again told of its pull request.
  if (!isUndone(last?.result?.outcome) && !last?.report?.announced.word) return {}
  if (status?.nodeId === undefined || status.minimized) return {}
  return last?.thread && threadSlot(last.thread) === threadSlot(thread)
    ? { report: { supersedes: [status.nodeId] } }
    : {}
}

const checked = (
  { options, what }: Pick<Wanted, 'options' | 'what'>,
  { ownerId: owner }: Pick<Thread, 'ownerId'>,
  held: Settings,
): CheckedOptions | Reply => checkOptions({ ...held, options, what, owner })

interface Completed {
  kind: 'completed'
  wanted: Wanted
}

function completed(
  trigger: CommandTrigger,
  wanted: Wanted,
  { settings, last }: { settings: RepoSettings; last: LastRun | undefined },
): Completed | Reply {
  const chosen = presetOf(trigger, settings)
  if (chosen.kind !== 'chosen') return chosen
  const { plan: _, instruction = '', ...given } = chosen.preset
  const asked: Wanted = {
    ...wanted,
    text: wanted.text || instruction,
    options: { ...given, ...wanted.options },
  }
  const goesOn = last && !wanted.options.new
  const options = goesOn ? withKept(last.request.options, asked.options) : asked.options
  return { kind: 'completed', wanted: { ...asked, options } }
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

type Busy = StartFacts & { kind: 'busy' }

function joinOrWait(request: Request, wanted: Wanted, { live, held }: Busy): Decision {
  const { trigger, attached, replaces } = request
  if (trigger.kind === 'label') return joinByLabel(request, trigger, live)
  const { kind: waitsFor } = live.schedule.waits ?? {}
  const forces = wanted.options.force && (waitsFor === 'blocked' || waitsFor === 'open-pulls')
  if (forces && (wanted.text === '' || wanted.text === live.request.text))
    return { kind: 'message', runId: live.id, message: { kind: 'force' } }
  if (wanted.options.force && wanted.text === '' && !live.schedule.admitted)
    return reject({ kind: 'status', live, now: trigger.at })
  const misplaced = misplacedBase(trigger, wanted.options, live.result.pulls)
  if (misplaced) return reject(misplaced)
  const wants = held && checked({ ...wanted, options: forLive(live, wanted) }, trigger.thread, held)
  if (wants && wants.kind !== 'checked') return reject(wants)
  const differs = wants ? differing(live, wants.options) : []
  const message = {
    kind: 'follow-up' as const,
    text: wanted.text || 'Go on.',
    inline: wanted.inline,
    attached: attached?.length ? attached : undefined,
    fixes: wanted.fixes,
    forces: forces || undefined,
    edits: replaces?.text,
  }
  if (joins(live, wanted) && differs.length === 0) return { kind: 'message', runId: live.id, message }
  if (live.result.outcome) return { kind: 'take-over', run: live }
  const ofSame = replaces && !live.mailbox.stop && isOfComment(live.request, trigger)
  return ofSame ? { kind: 'replace', run: live } : waitBehind(request, live, differs)
}

const waitBehind = (
  { trigger, line }: Request,
  behind: Run,
  differs: readonly OptionName[] = [],
): Decision => {
  const named = trigger.kind === 'label' ? { label: trigger.label } : { line }
  return { kind: 'wait', behind, announce: { kind: 'queued-behind', differs, ...named } }
}

const isOfComment = ({ origin }: Pick<RunRequest, 'origin'>, trigger: CommandTrigger): boolean =>
  origin.kind === 'comment' &&
  trigger.kind === 'comment' &&
  isSamePlace(origin.commentRef, trigger.commentRef)

const joins = (live: Run, { mayJoin, options, what }: Wanted): boolean =>
  mayJoin && live.request.what === what && optionsThat('start only').every(name => !options[name])

const forLive = (live: Run, { options }: Wanted): Options => withKept(live.request.options, options)

/** What the live session does not do. */
function differing(live: Run, wants: RunOptions): OptionName[] {
  const { options } = live.request
  const { name = options.branch, into = options.base } = live.workspace.branch ?? {}
  const has: Options = { ...options, model: options.model.toLowerCase(), branch: name, base: into }
  const { model, branch = name, base = into } = wants
  const wanted: Options = { ...wants, model: model.toLowerCase(), branch, base }
  return optionsThat('second run').filter(name => wanted[name] !== has[name])
}

/** A preset asks for something of its own, unless it is what the Run works by. */
function joinByLabel(request: Request, trigger: LabelTrigger, live: Run): Decision {
  const { label } = trigger
  const { origin } = live.request
  if (live.result.outcome) return { kind: 'take-over', run: live }
  if (live.mailbox.stop) return { kind: 'wait', behind: live }
  const isKnown = presetNameOf(trigger) === '' || (origin.kind === 'label' && origin.label === label)
  return isKnown
    ? { kind: 'message', runId: live.id, message: { kind: 'label', label } }
    : waitBehind(request, live)
}

export function inTheWay(live: Run, command: 'retry' | 'continue' | 'approve'): Decision {
  if (live.result.outcome) return { kind: 'take-over', run: live }
  const soon =
    live.mailbox.stop || isAnswered(live) || (command === 'approve' && live.request.what === 'plan')
  return soon ? { kind: 'wait', behind: live } : reject({ kind: 'still-going', command })
}

/** What a command that waits for a Run has to know of it: while it stays the same, so does the decision to wait. */
export const waitedForAs = (live: Run): string =>
  JSON.stringify([
    live.id,
    live.result.outcome !== undefined,
    isAtWork(live),
    live.mailbox.stop !== undefined,
    live.mailbox.releaseThread,
  ])

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
  const options = asked.kind === 'completed' ? asked.wanted.options : {}
  const held = await settingsFor(reads, settings, options, wanted.options)
  const closers = asked.kind === 'completed' && mayDouble(asked.wanted) ? await reads.closers() : []
  return { kind: 'free', head, past, last, before: newest ? requestersOf(newest) : [], held, closers }
}

export async function settingsFor(
  reads: Pick<Reads, 'models' | 'branch' | 'sandboxes' | 'usual'>,
  settings: SettingsNow,
  options: Options,
  { base }: Options,
): Promise<Settings> {
  return { ...settings, usual: reads.usual, known: await knownFor(reads, options, { settings, base }) }
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
