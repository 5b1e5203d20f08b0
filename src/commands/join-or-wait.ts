/**
 * Decides what becomes of a command while a Run is live in its thread.
 * It joins that Run, takes its place once its result is told, waits until it has ended, or is refused.
 */
import { type OptionName, type Options, optionsThat } from '../core/command/options.ts'
import type { LabelTrigger } from '../core/model/trigger.ts'
import type { RunOptions, RunRequest } from '../core/record/request-part.ts'
import type { Run } from '../core/record/run.ts'
import { isAtWork } from '../core/record/situation.ts'
import { isAnswered } from '../core/record/turn.ts'
import { isSamePlace } from '../core/record/words-to-say.ts'
import { type CommandRequest, type Decision, reject, type WantedWork } from './command.ts'
import type { CommandTrigger } from './command-context.ts'
import { misplacedBase } from './may-start.ts'
import { checkOptions, presetNameOf, type SettingsToStart, withKept } from './run-options.ts'

export interface Busy {
  kind: 'busy'
  live: Run
  held: SettingsToStart | undefined
}

export function joinOrWait(
  request: CommandRequest,
  wanted: WantedWork,
  { live, held }: Busy,
): Decision {
  const { trigger, attached, replaces } = request
  if (trigger.kind === 'label') return joinByLabel(trigger, live)
  const { kind: waitsFor } = live.schedule.waits ?? {}
  const forces = wanted.options.force && (waitsFor === 'blocked' || waitsFor === 'open-pulls')
  if (forces && (wanted.text === '' || wanted.text === live.request.text))
    return { kind: 'message', runId: live.id, message: { kind: 'force' } }
  if (wanted.options.force && wanted.text === '' && !live.schedule.admitted)
    return reject('nothingToForce', { live, now: trigger.at })
  const { thread } = trigger
  const wants =
    held &&
    checkOptions({
      ...held,
      what: wanted.what,
      options: forLive(live, wanted),
      owner: thread.ownerId,
    })
  const refused =
    misplacedBase(thread, { given: wanted.options, pulls: live.result.pulls }) ?? wants?.refused
  if (refused) return refused
  const differs = wants ? differing(live, wants.options) : []
  const message = {
    kind: 'follow-up' as const,
    text: wanted.text || 'Go on.',
    typed: wanted.typed,
    inline: wanted.inline,
    attached: attached?.length ? attached : undefined,
    fixes: wanted.fixes,
    forces: forces || undefined,
    edits: replaces?.text,
  }
  if (joins(live, wanted) && differs.length === 0)
    return { kind: 'message', runId: live.id, message }
  if (live.result.outcome) return { kind: 'take-over', run: live }
  const ofSame = replaces && !live.mailbox.stop && isOfComment(live.request, trigger)
  return ofSame ? { kind: 'replace', run: live } : { kind: 'wait', behind: live }
}

export const isOfComment = (
  { origin }: Pick<RunRequest, 'origin'>,
  trigger: CommandTrigger,
): boolean =>
  origin.kind === 'comment' &&
  trigger.kind === 'comment' &&
  isSamePlace(origin.commentRef, trigger.commentRef)

export const joins = (live: Run, { approves, options, what }: WantedWork): boolean =>
  what === 'work' &&
  live.request.what === 'work' &&
  !approves &&
  optionsThat('start only').every(name => !options[name])

export const forLive = (live: Run, { options }: WantedWork): Options =>
  withKept(live.request.options, options)

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
function joinByLabel(trigger: LabelTrigger, live: Run): Decision {
  const { label } = trigger
  const { origin } = live.request
  if (live.result.outcome) return { kind: 'take-over', run: live }
  if (live.mailbox.stop) return { kind: 'wait', behind: live }
  const isKnown =
    presetNameOf(trigger) === '' || (origin.kind === 'label' && origin.label === label)
  return isKnown
    ? { kind: 'message', runId: live.id, message: { kind: 'label', label } }
    : { kind: 'wait', behind: live }
}

export function inTheWay(live: Run, command: 'retry' | 'continue' | 'approve'): Decision {
  if (live.result.outcome) return { kind: 'take-over', run: live }
  const soon =
    live.mailbox.stop || isAnswered(live) || (command === 'approve' && live.request.what === 'plan')
  return soon ? { kind: 'wait', behind: live } : reject('stillGoing', command)
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
