/**
 * Finds what is asked and stopped in a thread, among the triggers in the queue.
 * A stop leaves a mark, and a command looks for marks before it begins (`stop-after.ts` has the rule).
 * A command also lets earlier ones of its thread go first.
 */
import {
  type Stop,
  type StopCheck,
  type StopsOf,
  type StopsOfThread,
  stopAfter,
} from '../access/stop-after.ts'
import type { Range } from '../core/model/ports.ts'
import { type Thread, threadSlot } from '../core/model/thread.ts'
import type { CommentRef } from '../core/model/trigger.ts'
import { isBefore, momentOf } from '../core/record/event-order.ts'
import { services } from '../core/record/retries.ts'
import { sets } from '../core/record/run-index.ts'
import { isSamePlace } from '../core/record/words-to-say.ts'
import type { NotBegun } from '../core/words/thread-standing.ts'
import { type CommandInTurn, namedAs, reject } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  liveRun,
  type WaitingTriggers,
} from './command-context.ts'
import { commands } from './command-registry.ts'
import { waitedForAs } from './join-or-wait.ts'
import { isCommandNamed, newlyAsked, shownBy, textsOf, textsToSee } from './read-commands.ts'
import { stopCommand } from './stop-command.ts'
import { isOfThread, stoppedIn, stopsIn, type ThreadRecord } from './trigger-record.ts'

/** Leaves the mark before it looks for what it ends. What waits in the thread is woken, and finds the mark. */
export async function markStop(context: CommandContext, thread = context.record.trigger.thread) {
  const { record, deps, job } = context
  const threads = [...new Set([...(record.stop?.threads ?? []), threadSlot(thread)])]
  await context.save({ stop: { threads, command: record.done } })
  const [waiting = []] = await deps.waiting.members([sets.thread(thread)], newest)
  await Promise.all(
    waiting.filter(({ id }) => id !== job.id).map(({ id }) => deps.waiting.wake(id)),
  )
}

/** Bounded, as anybody may write. */
const newest: Range = { kind: 'last', count: 30 }

export const stopsOf =
  (triggers: Pick<WaitingTriggers, 'listed'>): StopsOf =>
  async thread => {
    const found: StopsOfThread = { judged: [], unjudged: [] }
    const all = await triggers.listed([stopsIn(threadSlot(thread)), sets.thread(thread)], newest)
    for (const { id, data } of all.toSorted((a, b) => a.data.trigger.at - b.data.trigger.at)) {
      const { trigger, stop } = data
      if (stop?.threads.includes(threadSlot(thread)))
        found.judged.push({ id, by: trigger.sender, moment: momentOf(trigger, stop.command) })
      else if (isOfThread(data) && mayHoldStop(data))
        found.unjudged.push({
          id,
          by: trigger.sender,
          at: trigger.at,
          read: check => stopIn(data, check),
        })
    }
    return found
  }

const stopNames = [stopCommand.name, ...(stopCommand.aliases ?? [])]

function mayHoldStop({ trigger, passed }: ThreadRecord): boolean {
  if (trigger.kind === 'tick') return trigger.box === stopCommand.name
  if (trigger.kind !== 'comment') return false
  // What a review asks on lines is read until it is taken up.
  if (trigger.commentRef.kind === 'review' && !passed) return true
  return stopNames.some(name => trigger.text.toLowerCase().includes(name))
}

async function stopIn(
  { trigger, done, pages }: ThreadRecord,
  { github, signer }: StopCheck,
): Promise<StopRead> {
  if (trigger.kind === 'tick') {
    const { run } = shownBy(signer, trigger) ?? {}
    return run === undefined ? undefined : { moment: momentOf(trigger), run }
  }
  if (trigger.kind !== 'comment') return undefined
  const texts = textsToSee(trigger, await textsOf(github, trigger))
  const parsed = await newlyAsked(trigger, texts, pages ?? (await github.pages.shown(texts)))
  const last = parsed.findLastIndex(isCommandNamed(stopCommand.name))
  return last < done ? undefined : { moment: momentOf(trigger, last) }
}

type StopRead = Awaited<ReturnType<StopsOfThread['unjudged'][number]['read']>>

/** Who stopped what this command is to begin, as far as it is not the sender's own other command. */
export async function stopOf(context: CommandContext): Promise<Stop | undefined> {
  const { deps, record, job } = context
  const { judged, unjudged } = await stopsOf(deps.waiting)(record.trigger.thread)
  const isOther = ({ id }: { id: string }) => id !== job.id
  const stops = { judged: judged.filter(isOther), unjudged: unjudged.filter(isOther) }
  return stopAfter(momentOf(record.trigger, record.done), stops, async () => ({
    ...(await context.personCheck()),
    github: context.github,
    signer: deps.signer,
  }))
}

/**
 * One reply tells of a stop for all commands of a comment.
 * @param lines what stands behind the command word of each
 */
export async function stopped(
  context: CommandContext,
  { id, by }: Stop,
  lines: readonly (string | undefined)[],
): Promise<CommandResult> {
  const { record } = context
  if (record.stopped && record.stopped.command < record.done) return { kind: 'passed-over' }
  await context.save({ stopped: { stop: id, by: by.login, command: record.done } })
  const { trigger } = record
  const byWhom = by.id === trigger.sender.id ? undefined : by.login
  const asked = lines.map(line => namedAs({ trigger, line }))
  return reject('stoppedWaiting', asked, byWhom)
}

/** ms that an earlier command may take to be judged before a later one goes first. */
const judgingMs = 5_000

/**
 * Whether what was written before it here goes first: what has just come, and is being judged; and what waited for a Run
 * that is not any more as it was, so that it is about to go on.
 */
export async function isPreceded(context: CommandContext): Promise<boolean> {
  const { deps, record, job } = context
  const { thread } = record.trigger
  const mine = momentOf(record.trigger, record.done)
  const since = deps.now() - judgingMs
  const all = await deps.waiting.listed([sets.thread(thread)], newest)
  const before = all.filter(({ id, data: { trigger, done, answer, retries } }) => {
    if (id === job.id || answer || services.some(each => retries[each])) return false
    if (trigger.kind !== 'comment' && trigger.kind !== 'label') return false
    const theirs = momentOf(trigger, done)
    return isBefore(theirs, mine) && !isBefore(mine, theirs)
  })
  if (before.some(({ addedAt, data }) => !data.waits && addedAt >= since)) return true
  const waitedFor = before.flatMap(({ data }) => data.waits?.run ?? [])
  if (waitedFor.length === 0) return false
  const live = await liveRun(deps.runs, thread)
  const stands = live && waitedForAs(live.data)
  return waitedFor.some(run => run !== stands)
}

const answered = new Set(
  commands.filter(({ starts }) => !starts).flatMap(({ name, aliases = [] }) => [name, ...aliases]),
)

/** What was asked in the thread and has no Run yet; and what was stopped before it had one. */
export async function notBegun(
  { deps, record, job }: CommandContext,
  later: CommandInTurn['later'],
): Promise<NotBegun[]> {
  const { thread } = record.trigger
  const all = await deps.waiting.listed([sets.thread(thread), stoppedIn(thread)], newest)
  return all.flatMap(
    ({ id, data: { trigger, stopped, waits, retries, done, reacted } }): NotBegun[] => {
      const asked = { by: trigger.sender.login, moment: momentOf(trigger, done) }
      if (id === job.id) return later.map((line = '') => ({ ...asked, words: `/codex ${line}` }))
      if (trigger.kind !== 'comment' && trigger.kind !== 'label') return []
      const words = trigger.kind === 'label' ? trigger.label : trigger.text
      const [, name = '', ...rest] = words.trim().toLowerCase().split(/\s+/)
      // A comment of nothing else begins nothing.
      if (trigger.kind === 'comment' && rest.length === 0 && answered.has(name)) return []
      const away = services.find(service => retries[service])
      const until = away && retries[away]?.limit ? retries[away].until : undefined
      const waitsFor = away ?? (waits?.run === undefined ? undefined : 'run')
      return [{ ...asked, words: reacted || stopped ? words : undefined, waitsFor, until, stopped }]
    },
  )
}

/** Whether a command that stands there waits for the Run of the thread: it has said so, or soon will. */
export const waitsStill =
  (triggers: Pick<WaitingTriggers, 'listed'>) =>
  async (thread: Thread, at: CommentRef): Promise<boolean> => {
    const waiting = await triggers.listed([sets.thread(thread)], newest)
    return waiting.some(({ data: { trigger, waits } }) => {
      if (waits?.run === undefined || (trigger.kind !== 'comment' && trigger.kind !== 'label'))
        return false
      return isSamePlace(at, trigger.kind === 'comment' ? trigger.commentRef : { kind: 'subject' })
    })
  }
