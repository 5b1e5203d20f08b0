/**
 * Why work is not started. The first refusal that holds is the reply, and says the slips of the settings, too:
 *
 * 1. `settingsUnusable`: no version of a settings file was ever right.
 * 2. `presetUnknown`: nobody knows the preset of its label.
 * 3. `baseTaken`: an open pull request has a base, and only people move it.
 * 4. `notPushedTo`: nobody here can push to a fork, and no agent may push to the default branch.
 * 5. `optionRefused`: an option is not there, or is not allowed.
 * 6. `sessionTooDear`: its session has cost as much as one may.
 * 7. `otherPullOpen`: another open pull request closes the issue, and none of this thread is open.
 */
import type { Options } from '../core/command/options.ts'
import { isBranchOfIssue, stemOf } from '../core/model/branch-name.ts'
import { isFork, type PullHead, type Thread } from '../core/model/thread.ts'
import type { Closer, Pull } from '../core/model/views.ts'
import { isReadOnly } from '../core/record/request-part.ts'
import { replies } from '../core/words/replies.ts'
import {
  type CommandRequest,
  type Conversation,
  type Rejected,
  reject,
  type WantedWork,
} from './command.ts'
import { type CheckedOptions, checkOptions, presetOf, type SettingsToStart } from './run-options.ts'

/** What is known of a thread in which nobody works. */
export interface Free {
  head: PullHead | undefined
  conversation: Conversation | undefined
  held: SettingsToStart
  closers: readonly Closer[]
}

/** Work that is asked for there. */
export interface StartToCheck extends Free {
  request: CommandRequest
  /** What is wanted, together with what its label, its session or the last request adds. */
  wanted: Pick<WantedWork, 'what' | 'options' | 'approves'>
  /** The options that were written now. */
  given: Options
  /** What was asked before is asked again. */
  again?: true
}

type StartRule = (start: StartToCheck & { checked: CheckedOptions }) => Rejected | undefined

const settingsUnusable: StartRule = ({ held: { usable, problem = '', slips } }) =>
  usable ? undefined : reject('badSettings', { problem, slips })

const presetUnknown: StartRule = ({ request: { trigger }, held: { settings } }) =>
  presetOf(trigger, settings).unknown

/** @param pulls that the work may go into */
export function misplacedBase(
  { kind }: Thread,
  { given, pulls, head }: { given: Options; pulls: readonly Pull[]; head?: PullHead | undefined },
): Rejected | undefined {
  const { base, branch } = given
  if (base === undefined) return undefined
  if (kind === 'pull' && (branch === undefined || branch === head?.ref)) return reject('baseOfPull')
  const open = pulls.find(pull => pull.state === 'open' && pull.head === (branch ?? pull.head))
  return open && open.base !== base ? reject('baseTaken', open.number, open.base) : undefined
}

const baseTaken: StartRule = ({ request, given, conversation, head }) => {
  const pulls = conversation?.pull && !given.new ? [conversation.pull] : []
  return misplacedBase(request.trigger.thread, { given, head, pulls })
}

const notPushedTo: StartRule = ({ request, wanted, head }) => {
  const { thread } = request.trigger
  if (isReadOnly(wanted.what)) return undefined
  if (head && isFork(head, thread)) return reject('fork')
  return (wanted.options.branch ?? head?.ref) === thread.defaultBranch
    ? reject('defaultBranch')
    : undefined
}

const optionRefused: StartRule = ({ checked }) => checked.refused

const sessionTooDear: StartRule = ({ given, conversation, held, again }) => {
  const cost = conversation?.lastRun?.session.cost
  const limit = held.settings.limits.cost_per_run
  const isTooDear = !given.new && cost && limit !== undefined && cost >= limit
  return isTooDear ? reject('sessionCost', cost, limit, again) : undefined
}

/** Whether it may do a second time what an open pull request does. */
export const mayMeetOtherPull = ({ options, what, approves }: StartToCheck['wanted']): boolean =>
  !options.force && !approves && !isReadOnly(what)

const otherPullOpen: StartRule = start => {
  const { request, again, given, conversation } = start
  const goesOnInOwn = !given.new && conversation?.pull?.state === 'open'
  const pulls =
    mayMeetOtherPull(start.wanted) && !goesOnInOwn ? start.closers.filter(isOfOthers(start)) : []
  if (pulls.length === 0) return undefined
  return reject('hasPull', pulls, again ? 'retry' : wordsToWriteAgain(request))
}

/** What stands on lines below is kept by whoever writes it again. */
const wordsToWriteAgain = ({ text, line = '' }: CommandRequest) =>
  text.includes('\n') ? undefined : line

/** Says whether the pull request is not this thread's own work, which would go on there. */
const isOfOthers =
  ({ request, conversation, held }: StartToCheck) =>
  ({ number, branch }: Closer): boolean => {
    const { made, pull } = conversation?.marker ?? {}
    const stem = stemOf(held.settings.branch_prefix, request.trigger.thread.number)
    const isOwn = branch !== undefined && (branch === made || isBranchOfIssue(branch, stem))
    return !isOwn && number !== pull
  }

const rules: readonly StartRule[] = [
  settingsUnusable,
  presetUnknown,
  baseTaken,
  notPushedTo,
  optionRefused,
  sessionTooDear,
  otherPullOpen,
]

/** Answers with the options of the Run, and with the refusal, if there is one. */
export function agreeOn(start: StartToCheck): CheckedOptions {
  const { request, wanted, held } = start
  const { problem, slips, usable } = held
  const checked = checkOptions({ ...held, ...wanted, owner: request.trigger.thread.ownerId })
  const [refused] = rules.flatMap(rule => rule({ ...start, checked }) ?? [])
  if (!refused || !usable || problem === undefined) return { ...checked, refused }
  const reply = replies.besideSlips(refused.reply, { problem, slips })
  return { ...checked, refused: { ...refused, reply } }
}
