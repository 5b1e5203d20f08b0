/** Commands that start nothing new of their own: stop, retry, continue, approve, status, queue. */
import type { Options } from '../core/command/parse.ts'
import { serviceNames } from '../core/model/errors.ts'
import { isBefore } from '../core/model/event-order.ts'
import { isOwner, type PullHead, type Thread, threadName, threadSlot } from '../core/model/thread.ts'
import type { CommentTrigger } from '../core/model/trigger.ts'
import { outageOf, services } from '../core/run/outage.ts'
import { type Ask, type NewRun, newRun, type Outcome, phaseOf, type Run } from '../core/run/run.ts'
import { type Asking, answered, type Handled, liveRun, refused, type TriggerHand } from './command-context.ts'
import {
  askedBefore,
  enqueue,
  give,
  leaving,
  originOf,
  runId,
  settingsOf,
  settle,
  startRun,
  takeOver,
  type Wanted,
} from './start-run.ts'
import { askedLast, type Past, pastOf, shownBy } from './thread-history.ts'

export async function stop(hand: TriggerHand, trigger: Asking): Promise<Handled> {
  const live = await liveRun(hand, threadSlot(trigger.thread))
  if (!live || isOfAnother(trigger, live.data)) return refused({ reply: 'nothing-to', command: 'stop' })
  if (!isBefore(live.data.ask, trigger)) return refused({ reply: 'asked-since' })
  return give(hand, live.id, { says: 'stop' })
}

/** A box belongs to the Run that its comment shows. */
const isOfAnother = (trigger: Asking, live: Run): boolean =>
  trigger.kind === 'tick' && trigger.run !== undefined && trigger.run !== live.id

/** A Run that is as good as over is waited for; one in full swing is in the way. */
async function inTheWay(hand: TriggerHand, live: Run, command: 'retry' | 'approve'): Promise<Handled> {
  if (live.outcome) return takeOver(hand, live)
  const soon = live.stop || live.heard?.idle || (command === 'approve' && live.ask.what === 'plan')
  return soon ? { with: 'wait', ms: 500 } : refused({ reply: 'still-going', command })
}

/** The stored request again, as a new run of the same task. */
export async function retry(hand: TriggerHand, trigger: Asking, options: Options): Promise<Handled> {
  const live = await liveRun(hand, threadSlot(trigger.thread))
  if (live && live.id !== runId(hand)) return inTheWay(hand, live.data, 'retry')
  if (!trigger.snapshot.open) return refused({ reply: 'closed' })
  const past = await pastOf(hand)
  // A box repeats what its own comment shows, which need not be the newest.
  const shown = trigger.kind === 'tick' ? shownBy(hand, trigger) : undefined
  const last = past && (await askedLast(hand, shown ? { marker: shown } : past))
  if (!last) return refused({ reply: 'nothing-to', command: 'retry' })
  const { ask } = last
  const { settings, problem, usable } = await settingsOf(hand)
  if (!usable) return refused({ reply: 'bad-settings', problem: problem ?? '' })
  const settled = await settle(
    hand,
    { options: { ...askedBefore(ask.options), ...options }, what: ask.what },
    settings,
  )
  if ('reply' in settled) return refused(settled)
  const again = newRun({
    id: runId(hand),
    thread: trigger.thread,
    ask: {
      ...ask,
      ...(ask.approves ? { approves: { plan: ask.approves.plan, text: ask.approves.text } } : {}),
      by: trigger.sender,
      at: trigger.at,
      origin: originOf(trigger),
      options: settled,
    },
    snapshot: last.snapshot,
    settings,
    ...(problem === undefined ? {} : { settingsProblem: problem }),
    ...(await headNow(hand, trigger.thread, last.head)),
    ...(past.marker.task === undefined ? {} : { taskId: past.marker.task }),
    ...(past.marker.made === undefined ? {} : { madeBranch: past.marker.made }),
    ...leaving(past),
    ...(past.pull ? { pulls: [past.pull], reported: 1 } : {}),
  })
  return enqueue(hand, trigger, again)
}

/** Trying again is asked for now, so it is about the head of now. */
async function headNow(
  hand: TriggerHand,
  thread: Thread,
  before: PullHead | undefined,
): Promise<Partial<Pick<NewRun, 'head'>>> {
  const now = thread.kind === 'pull' ? (await hand.github.pull(thread.number))?.head : undefined
  const known = now ?? before
  return known ? { head: known } : {}
}

export async function goOn(
  hand: TriggerHand,
  trigger: CommentTrigger,
  options: Options,
  { text, inline }: Pick<Wanted, 'text' | 'inline'>,
): Promise<Handled> {
  const live = await liveRun(hand, threadSlot(trigger.thread))
  if (!live && !(await pastOf(hand))?.marker.task)
    return refused({ reply: 'nothing-to', command: 'continue' })
  const words = text === '' ? 'Go on where you stopped.' : `Go on: ${text}`
  return startRun(hand, trigger, {
    what: 'work',
    text: words,
    options,
    mayJoin: true,
    ...(inline ? { inline } : {}),
  })
}

export async function approve(hand: TriggerHand, trigger: CommentTrigger): Promise<Handled> {
  const live = await liveRun(hand, threadSlot(trigger.thread))
  if (live && live.id !== runId(hand)) return inTheWay(hand, live.data, 'approve')
  const past = await pastOf(hand)
  const plan = past && (await planOf(hand, past))
  if (!plan) return refused({ reply: 'nothing-to', command: 'approve' })
  const { branch, sha } = plan.approves
  const now = branch === undefined ? undefined : await hand.github.branch(branch)
  if (branch !== undefined && !now) return refused({ reply: 'plan-elsewhere', branch })
  if (now && sha !== undefined && now.sha !== sha)
    return refused({ reply: 'plan-outdated', branch: now.name, sha: now.sha })
  return startRun(hand, trigger, {
    what: 'work',
    text: 'Carry out the plan you made.',
    options: plan.options,
    mayJoin: false,
    approves: plan.approves,
  })
}

interface MadePlan {
  approves: NonNullable<Ask['approves']>
  /** What was asked for then holds for carrying it out. */
  options: Options
}

/** The last thing that was asked here, if it was a plan and was answered with one. */
async function planOf(hand: TriggerHand, past: Past): Promise<MadePlan | undefined> {
  const { what, task, run: plan, branch, sha, backup } = past.marker
  if (what !== 'plan' || task === undefined) return undefined
  const kept = (await hand.deps.runs.get(plan))?.data
  const outcome = kept?.outcome ?? backup?.outcome
  if (outcome && unplanned.has(outcome.is)) return undefined
  const last = await askedLast(hand, past)
  // The default branch moves all the time, and the work gets a branch of its own there.
  const bound = branch !== undefined && branch !== hand.record.trigger.thread.defaultBranch
  const text = kept?.heard?.answer?.slice(0, mostOfPlan).toWellFormed()
  return {
    approves: {
      plan,
      ...(bound ? { branch, ...(sha === undefined ? {} : { sha }) } : {}),
      ...(text === undefined ? {} : { text }),
    },
    options: last ? askedBefore(last.ask.options) : {},
  }
}

const unplanned = new Set<Outcome['is']>(['failed', 'stopped', 'nothing'])
const mostOfPlan = 8_000

export async function status(hand: TriggerHand, trigger: CommentTrigger): Promise<Handled> {
  const live = await liveRun(hand, threadSlot(trigger.thread))
  if (live) return answered({ reply: 'status', text: `a run is going on here: ${describe(live.data)}.` })
  const past = await pastOf(hand)
  const last = past && (await hand.deps.runs.get(past.marker.run))?.data
  if (last)
    return answered({
      reply: 'status',
      text: `nothing is going on here now. The last run: ${describe(last)}.`,
    })
  const text = past
    ? 'nothing is going on here now.'
    : 'nothing was asked here yet. `/codex help` shows what there is.'
  return answered({ reply: 'status', text })
}

const phases: Record<ReturnType<typeof phaseOf>, string> = {
  waiting: 'waiting for its turn',
  preparing: 'getting ready',
  starting: 'waiting for PostHog to start it',
  working: 'the agent is working',
  stopping: 'being stopped',
  pull: 'it opened a pull request',
  pushed: 'it pushed its commits',
  answer: 'it answered',
  nothing: 'it finished without a change',
  stopped: 'it was stopped',
  failed: 'it failed',
}

function describe(run: Run): string {
  const pull = run.pulls.at(-1)
  const comment = run.status ? ` ([details](${run.thread.url}#issuecomment-${run.status.commentId}))` : ''
  const away = services.filter(service => outageOf(run, service) && !run.outcome)
  const waits =
    away.length === 0 ? '' : `, waiting for ${away.map(service => serviceNames[service]).join(' and ')}`
  return `${phases[phaseOf(run)]}${waits}, asked by ${run.ask.by.login}${pull ? `, [#${pull.number}](${pull.url})` : ''}${comment}`
}

export async function queue(hand: TriggerHand, trigger: CommentTrigger): Promise<Handled> {
  const slot = threadSlot(trigger.thread)
  // What other owners do is nobody's business here, and in nobody's way.
  const live = (await hand.deps.runs.live()).filter(({ data }) => isOwner(data.thread, trigger.thread.owner))
  const mine = live.find(({ data }) => threadSlot(data.thread) === slot)
  const ahead = mine ? live.filter(({ data, addedAt }) => addedAt < mine.addedAt && !data.taskRun).length : 0
  const why = mine ? `The run here: ${phases[phaseOf(mine.data)]}.` : 'Nothing is going on in this thread.'
  hand.deps.log.info({ thread: threadName(trigger.thread), live: live.length }, 'queue asked')
  return answered({ reply: 'queue', ahead, live: live.length, why })
}
