/** Commands that start a Run, or give more words to one that lives. */

import type { SettingsNow } from '../access/read-settings.ts'
import { effortsFor, type ReasoningEffort } from '../core/agent/run-request.ts'
import type { Options } from '../core/command/parse.ts'
import { nearest } from '../core/command/parse.ts'
import { type OptionName, optionNames, presets } from '../core/command/table.ts'
import type { Reply } from '../core/comments/replies.ts'
import { isBranchName } from '../core/model/branch-name.ts'
import { isFork, type PullHead, threadSlot } from '../core/model/thread.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import type { SandboxView } from '../core/model/views.ts'
import { type Ask, type NewRun, newRun, type Origin, type Run, type RunOptions } from '../core/run/run.ts'
import { type Grants, grantsOf, pausedBecause } from '../core/settings/deployment-settings.ts'
import type { PresetSettings, RepoSettings } from '../core/settings/repository-settings.ts'
import {
  type Asking,
  commandId,
  type Handled,
  liveRun,
  refused,
  type TriggerHand,
} from './command-context.ts'
import { askedLast, type Past, pastOf } from './thread-history.ts'

export interface Wanted {
  what: Ask['what']
  text: string
  options: Options
  /** Words for a Run that lives go to its agent; everything else waits for its turn. */
  mayJoin: boolean
  inline?: InlineComment[]
  approves?: Ask['approves']
}

export async function startRun(hand: TriggerHand, trigger: Asking, wanted: Wanted): Promise<Handled> {
  const slot = threadSlot(trigger.thread)
  const live = await liveRun(hand, slot)
  if (live && live.id !== runId(hand)) return joinOrWait(hand, live.data, wanted, trigger)
  if (!trigger.snapshot.open) return refused({ reply: 'closed' })
  const head = await headOf(hand, trigger)
  if (head && isFork(head, trigger.thread)) return refused({ reply: 'fork' })
  const { settings, problem, usable } = await settingsOf(hand)
  if (!usable) return refused({ reply: 'bad-settings', problem: problem ?? '' })
  const preset = presetOf(hand, trigger, settings)
  if ('reply' in preset) return refused(preset)
  const before = await pastOf(hand)
  const past = wanted.options.new ? undefined : before
  const asked = await withEarlier(hand, withPreset(wanted, preset), past)
  const options = await settle(hand, asked, settings)
  if ('reply' in options) return refused(options)
  const run = newRun({
    ...facts(hand, trigger, asked, options),
    settings,
    ...(problem === undefined ? {} : { settingsProblem: problem }),
    ...(head ? { head } : {}),
    ...(past ? goingOn(past) : leaving(before)),
  })
  return enqueue(hand, trigger, run)
}

/** A session that goes on keeps its model, effort and so on, unless the new words say otherwise. */
async function withEarlier(hand: TriggerHand, wanted: Wanted, past: Past | undefined): Promise<Wanted> {
  const last = past && (await askedLast(hand, past))
  return last ? { ...wanted, options: withKept(last.ask.options, wanted.options) } : wanted
}

/** An effort that nobody asks for now gives way to a model that does not take it. */
function withKept(before: RunOptions, now: Options): Options {
  const { branch: _, effort, ...kept } = askedBefore(before)
  const fits = effort !== undefined && effortsFor(now.model ?? before.model).includes(effort)
  return { ...kept, ...(fits ? { effort } : {}), ...now }
}

/** What was asked for then, as options that could be given now. */
export function askedBefore({
  model,
  effort,
  branch,
  sandbox,
  authorship,
  signalReport,
}: RunOptions): Options {
  return {
    model,
    ...(effort === undefined ? {} : { effort }),
    ...(branch === undefined ? {} : { branch }),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(authorship === 'user' ? { 'as-user': true } : {}),
    ...(signalReport === undefined ? {} : { 'signal-report': signalReport }),
  }
}

/** The settings of the repository as they are now, read once each time the job is taken up. */
export function settingsOf(hand: TriggerHand): Promise<SettingsNow> {
  hand.settings ??= hand.deps.settings.of(hand.github, hand.record.trigger.thread)
  return hand.settings
}

/** What `codex:<name>` stands for: the repository's own presets first, then the built-in ones. */
function presetOf(hand: TriggerHand, trigger: Asking, settings: RepoSettings): PresetSettings | Reply {
  if (trigger.kind !== 'label') return {}
  const name = trigger.label.slice(hand.deps.label.length + 1)
  if (name === '') return {}
  if (Object.hasOwn(settings.labels, name)) return settings.labels[name] ?? {}
  const known = presets.find(preset => preset === name.toLowerCase())
  if (known === 'plan') return { plan: true }
  if (known) return { effort: known }
  const names = [...Object.keys(settings.labels), ...presets]
  return { reply: 'preset', given: name, meant: nearest(name.toLowerCase(), names), known: names }
}

function withPreset(wanted: Wanted, { plan, model, effort, sandbox, instruction }: PresetSettings): Wanted {
  const options = {
    ...(model === undefined ? {} : { model }),
    ...(effort === undefined ? {} : { effort }),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...wanted.options,
  }
  return { ...wanted, what: plan ? 'plan' : wanted.what, text: wanted.text || (instruction ?? ''), options }
}

export const runId = (hand: TriggerHand): string => `run-${commandId(hand)}`

export async function enqueue(hand: TriggerHand, trigger: Asking, run: Run): Promise<Handled> {
  const paused = pausedBecause(hand.deps.settings.deployment)
  if (paused !== undefined) return refused({ reply: 'paused', why: paused })
  const data = { ...run, ask: { ...run.ask, delivery: trigger.deliveryId } }
  const { outcome } = await hand.deps.runs.add(run.id, data, threadSlot(trigger.thread))
  hand.deps.log.info({ run: run.id, outcome }, 'run queued')
  // Somebody was faster: come back and be a follow-up.
  return outcome === 'held' ? { with: 'wait', ms: 50 } : { with: 'run' }
}

function facts(
  hand: TriggerHand,
  trigger: Asking,
  wanted: Wanted,
  options: RunOptions,
): Pick<NewRun, 'id' | 'thread' | 'ask' | 'snapshot'> {
  return {
    id: runId(hand),
    thread: trigger.thread,
    ask: {
      by: trigger.sender,
      at: trigger.at,
      origin: originOf(trigger),
      what: wanted.what,
      text: wanted.text,
      options,
      ...(trigger.kind === 'comment' && trigger.text !== wanted.text ? { whole: trigger.text } : {}),
      ...(wanted.inline ? { inline: wanted.inline } : {}),
      ...(wanted.approves ? { approves: wanted.approves } : {}),
    },
    snapshot: trigger.snapshot,
  }
}

export function originOf(trigger: Asking): Origin {
  switch (trigger.kind) {
    case 'label':
      return { by: 'label', label: trigger.label }
    case 'comment':
      return { by: 'comment', place: trigger.place }
    case 'tick':
      return { by: 'tick' }
  }
}

/** One task per thread: an earlier session is gone on with. */
function goingOn(past: Past): Pick<NewRun, 'earlier' | 'taskId' | 'pulls' | 'reported' | 'madeBranch'> {
  const { task, made } = past.marker
  const madeBranch = made === undefined ? {} : { madeBranch: made }
  if (task === undefined) return madeBranch
  const pulls = past.pull ? [past.pull] : []
  const earlier = sessionBefore(past)
  return { taskId: task, pulls, reported: pulls.length, ...madeBranch, ...(earlier ? { earlier } : {}) }
}

/** What begins afresh leaves no agent of before at work, nor one that PostHog could put to work again. */
export function leaving(past: Past | undefined): Pick<NewRun, 'earlier'> {
  const earlier = past && sessionBefore(past)
  return earlier ? { earlier: { ...earlier, resumes: false } } : {}
}

function sessionBefore({ marker: { task, taskRun, branch, may } }: Past): NewRun['earlier'] {
  if (task === undefined || taskRun === undefined) return undefined
  return {
    taskId: task,
    taskRunId: taskRun,
    over: false,
    ...(branch === undefined ? {} : { branch }),
    ...(may === undefined ? {} : { may }),
  }
}

async function joinOrWait(hand: TriggerHand, live: Run, wanted: Wanted, trigger: Asking): Promise<Handled> {
  if (trigger.kind === 'label') return labelled(hand, live, trigger.label)
  const joins = wanted.mayJoin && !wanted.options.new && live.ask.what === wanted.what
  const differs = joins ? await otherOptions(hand, live, wanted) : []
  if (!Array.isArray(differs)) return refused(differs)
  if (joins && differs.length === 0)
    return give(hand, live.id, {
      says: 'more',
      text: wanted.text || 'Go on.',
      ...(wanted.inline ? { inline: wanted.inline } : {}),
    })
  return live.outcome
    ? takeOver(hand, live)
    : { with: 'wait', ms: 2_000, announce: { reply: 'queued-behind', differs } }
}

/**
 * The options of these words that the live Run does not have: a session keeps what it was started with, so that they
 * need a run of their own. Words without options are for the Run as it is.
 */
async function otherOptions(hand: TriggerHand, live: Run, wanted: Wanted): Promise<OptionName[] | Reply> {
  if (Object.keys(wanted.options).length === 0) return []
  const { settings } = await settingsOf(hand)
  const settled = await settle(
    hand,
    { ...wanted, options: withKept(live.ask.options, wanted.options) },
    settings,
  )
  if ('reply' in settled) return settled
  return differing({ ...live.ask.options, branch: live.branch?.name ?? live.ask.options.branch }, settled)
}

/** By the name of their option; what was not asked for does not differ. */
function differing(has: RunOptions, wants: RunOptions): OptionName[] {
  const differs: Partial<Record<OptionName, boolean>> = {
    model: wants.model.toLowerCase() !== has.model.toLowerCase(),
    effort: wants.effort !== has.effort,
    branch: wants.branch !== undefined && wants.branch !== has.branch,
    sandbox: wants.sandbox !== has.sandbox,
    'as-user': wants.authorship !== has.authorship,
    'signal-report': wants.signalReport !== has.signalReport,
  }
  return optionNames.filter(name => differs[name])
}

/** Set again after a stop, a label asks for another run. */
function labelled(hand: TriggerHand, live: Run, label: string): Promise<Handled> | Handled {
  if (live.outcome) return takeOver(hand, live)
  return live.stop ? { with: 'wait', ms: 500 } : give(hand, live.id, { says: 'label', label })
}

/** The Run has told how it ended and only stays to see the agent off: it makes room at once. */
export async function takeOver(hand: TriggerHand, live: Run): Promise<Handled> {
  if (!live.yielding)
    await hand.deps.runs.tell(live.id, JSON.stringify({ says: 'yield', id: `${commandId(hand)}-yield` }))
  return { with: 'wait', ms: 200 }
}

type Said =
  | { says: 'more'; text: string; inline?: InlineComment[] }
  | { says: 'stop' }
  | { says: 'label'; label: string }

/** Tells a live Run something, written down before: whoever comes back says the same, which counts once. */
export async function give(hand: TriggerHand, runId: string, said: Said): Promise<Handled> {
  const { trigger } = hand.record
  const noteId = commandId(hand)
  const note = JSON.stringify({ ...said, id: noteId, by: trigger.sender, at: trigger.at })
  await hand.save({ ...hand.record, noted: { runId, noteId, note, told: false } })
  return tellNoted(hand)
}

export async function tellNoted(hand: TriggerHand): Promise<Handled> {
  const { noted } = hand.record
  if (!noted) return { with: 'wait', ms: 0 }
  const told = await hand.deps.runs.tell(noted.runId, noted.note)
  hand.deps.reached('note told, not recorded')
  // The Run has ended meanwhile: the command starts over.
  await hand.save({ ...hand.record, noted: told ? { ...noted, told } : undefined })
  return told ? { with: 'note' } : { with: 'wait', ms: 50 }
}

async function headOf(hand: TriggerHand, trigger: Asking): Promise<PullHead | undefined> {
  if (trigger.thread.kind !== 'pull') return undefined
  return (
    (trigger.kind === 'tick' ? undefined : trigger.head) ??
    (await hand.github.pull(trigger.thread.number))?.head
  )
}

/** Options, settings and defaults together, in this order, checked against what the server knows. */
export async function settle(
  hand: TriggerHand,
  { options, what }: Pick<Wanted, 'options' | 'what'>,
  settings: RepoSettings,
): Promise<RunOptions | Reply> {
  const { thread } = hand.record.trigger
  const grants = grantsOf(hand.deps.settings.deployment, thread)
  const model = options.model ?? offered(settings.model ?? hand.deps.defaults.model, settings.models)
  if (what === 'plan' && settings.mode === 'interactive') return { reply: 'plan-interactive' }
  const wrong =
    checkOffered('model', options.model, settings.models) ??
    checkOffered('effort', options.effort, settings.efforts) ??
    (await checkModel(hand, options.model)) ??
    checkEffort(options.effort, model) ??
    (await checkBranch(hand, options.branch)) ??
    checkAuthor(options['as-user'], { settings, grants, owner: thread.owner }) ??
    checkReport(options['signal-report'], { grants, owner: thread.owner })
  if (wrong) return wrong
  const sandbox = await sandboxOf(hand, options.sandbox ?? settings.sandbox, grants)
  if (sandbox && 'reply' in sandbox) return sandbox
  const effort = options.effort ?? usualEffort(settings, hand.deps.defaults.effort, model)
  if (typeof effort === 'object') return effort
  const permission = what === 'plan' ? 'read-only' : settings.permission
  const signalReport = options['signal-report']
  return {
    model,
    mode: settings.mode,
    authorship: options['as-user'] ? 'user' : 'bot',
    ...(effort === undefined ? {} : { effort }),
    ...(options.branch === undefined ? {} : { branch: options.branch }),
    ...(permission === undefined ? {} : { permission }),
    ...(sandbox === undefined ? {} : { sandbox: sandbox.id }),
    ...(signalReport === undefined ? {} : { signalReport }),
  }
}

/** A default that the repository does not allow gives way to the first that it does. */
const offered = <T extends string>(wished: T, allowed: readonly T[] | undefined): T =>
  allowed === undefined || allowed.includes(wished) ? wished : (allowed[0] ?? wished)

const checkOffered = (
  what: 'model' | 'effort',
  given: string | undefined,
  known: readonly string[] | undefined,
): Reply | undefined =>
  given === undefined || known === undefined || known.includes(given)
    ? undefined
    : { reply: 'not-offered', what, given, known }

/** A default that the model does not take, or the repository does not allow, gives way to the most that both do. */
function usualEffort(
  settings: RepoSettings,
  usual: ReasoningEffort | undefined,
  model: string,
): ReasoningEffort | Reply | undefined {
  const wished = settings.effort ?? usual
  const known = effortsFor(model)
  const allowed = known.filter(effort => settings.efforts?.includes(effort) ?? true)
  if (wished === undefined && !settings.efforts) return undefined
  if (wished !== undefined && allowed.includes(wished)) return wished
  const [unknown] = settings.efforts ?? []
  return allowed.at(-1) ?? (unknown && { reply: 'effort', effort: unknown, model, known })
}

async function checkModel(hand: TriggerHand, model: string | undefined): Promise<Reply | undefined> {
  if (model === undefined) return undefined
  const known = (await hand.deps.posthog.models()).map(({ name }) => name)
  if (known.length === 0 || known.some(name => name.toLowerCase() === model.toLowerCase())) return undefined
  return { reply: 'model', model, meant: nearest(model.toLowerCase(), known), known }
}

function checkEffort(effort: ReasoningEffort | undefined, model: string): Reply | undefined {
  const known = effortsFor(model)
  return effort === undefined || known.includes(effort)
    ? undefined
    : { reply: 'effort', effort, model, known }
}

async function checkBranch(hand: TriggerHand, branch: string | undefined): Promise<Reply | undefined> {
  if (branch === undefined) return undefined
  const found = isBranchName(branch) && (await hand.github.branch(branch))
  return found ? undefined : { reply: 'no-branch', branch, meant: undefined }
}

interface Allowing {
  settings: RepoSettings
  grants: Grants
  owner: string
}

/** It takes both: the deployment's token is the deployment's to give, and no repository need take it. */
function checkAuthor(asUser: true | undefined, { settings, grants, owner }: Allowing): Reply | undefined {
  if (!asUser) return undefined
  if (!grants.asUser) return { reply: 'not-granted', what: 'as_user', owner }
  return settings.as_user ? undefined : { reply: 'not-as-user' }
}

const checkReport = (
  report: string | undefined,
  { grants, owner }: Pick<Allowing, 'grants' | 'owner'>,
): Reply | undefined =>
  report === undefined || grants.signalReport
    ? undefined
    : { reply: 'not-granted', what: 'signal_report', owner }

const isSandbox =
  (wanted: string) =>
  ({ id, name }: SandboxView): boolean =>
    id === wanted.toLowerCase() || name.toLowerCase() === wanted.toLowerCase()

/** Only those that the deployment grants here; of others not even the names are told. */
async function sandboxOf(
  hand: TriggerHand,
  wanted: string | undefined,
  { sandboxes }: Grants,
): Promise<{ id: string } | Reply | undefined> {
  if (wanted === undefined) return undefined
  const { owner } = hand.record.trigger.thread
  if (sandboxes.length === 0) return { reply: 'not-granted', what: 'sandboxes', owner }
  const known = await hand.deps.posthog.sandboxes()
  // A list that the key may not see in full does not make an id wrong.
  const byId = sandboxes.find(granted => uuid.test(granted) && granted.toLowerCase() === wanted.toLowerCase())
  const granted = known.filter(view => sandboxes.some(name => isSandbox(name)(view)))
  const found = granted.find(isSandbox(wanted)) ?? (byId && { id: byId.toLowerCase() })
  if (found) return { id: found.id }
  const names = granted.map(({ name }) => name)
  return { reply: 'sandbox', given: wanted, meant: nearest(wanted.toLowerCase(), names), known: names }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
