/**
 * Why nothing was started: every refusal, with its name and its sentence. A command is refused with `reject` and a name of
 * this list. What is asked for first is told first: `dispatch.ts` has the order for all commands, `may-start.ts` for work.
 */
import { flagOf, infoOf, optionNames, takenBy, usageOf } from '../command/options.ts'
import type { Mistake } from '../command/parse.ts'
import { maxTemplate, templatePath } from '../command/template.ts'
import type { ReasoningEffort } from '../model/codex-task-run-create.ts'
import { instruction, type Role } from '../model/command-grammar.ts'
import type { PricedModel, Pull, Rounds } from '../model/views.ts'
import { unfinished } from '../record/failures.ts'
import type { Outcome } from '../record/run.ts'
import type { GrantName } from '../settings/deployment-settings.ts'
import { begun, counted, dollars, ended } from '../text/phrases.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import {
  askedFor,
  type FoundSlips,
  itemsOf,
  type NamedAs,
  optionFlags,
  otherReply,
  refusal,
  replies,
  replyToMessage,
  slipsSentence,
} from './replies.ts'
import type { ThreadStanding } from './thread-standing.ts'
import { priced, pullLink } from './words.ts'

export const refusals = {
  // Whoever asks, and whatever.
  notServed: (owner: string, ownerId: number) =>
    otherReply`this bot does not serve ${code(owner)}, so nothing was started. An admin of this bot can add ${code(`owners.${ownerId}.posthog`)} to the bot’s settings file.`,
  /** @param why what GitHub refused to say */
  notKnown: (command: string, why: string | undefined) =>
    refusal`the bot could not find out which permission you have here, so it refused ${command === instruction ? 'to start a run' : code(`/codex ${command}`)}. ${whyUnknown(why)}`,
  notAllowed: ({ command, least, role }: { command: string; least: Role; role: string }) =>
    refusal`you need ${least} permission to ${command === instruction ? 'start a run' : `use ${code(`/codex ${command}`)}`}. Your permission here is ${inlineWords(role, 40)}. Ask somebody with ${least} permission to write the command.`,
  hidden: () =>
    otherReply`GitHub’s page does not show all of this command: some of it is HTML, an HTML comment, a link title or invisible characters. Nothing was started. Put code into backticks and write the rest as plain text.`,
  mistake: (mistake: Mistake) => otherReply`${mistakeSentence(mistake)}`,
  stateLabel: (label: string) =>
    otherReply`only the bot sets the label ${code(label)}: it says how a run here stands. Nothing was started.`,
  /** @param by somebody else than whoever asked for it */
  stoppedWaiting: (asked: readonly NamedAs[], by: string | undefined) =>
    otherReply`${by === undefined ? 'you' : code(by)} stopped ${asked.map(askedFor).join(' and ')} before ${asked.length === 1 ? 'it began. Write it again if you still want it' : 'they began. Write again what you still want'}.`,
  // Before anything is started.
  closed: () =>
    otherReply`this is closed, so nothing was started. \`/codex ask\` works here. For anything else, reopen it and ask again.`,
  badSettings: (found: FoundSlips) =>
    otherReply`${slipsSentence(found)}, so nothing was started:\n\n${itemsOf(found)}\n\nFix the file, then ask again.`,
  preset: (given: string, meant: string | undefined, known: readonly string[]) =>
    otherReply`there is no label preset ${code(given)}${meantOrAll(meant, known)} Nothing was started.`,
  baseOfPull: () =>
    otherReply`a pull request has a base already. Nothing was started. Change the base on its page, or ask without \`--base\`.`,
  baseTaken: (pull: number, base: string) =>
    otherReply`pull request #${pull} of this thread is open, and goes into ${code(base)}. Nothing was started. Change the base on its page, or ask without \`--base\`.`,
  fork: () =>
    otherReply`this pull request comes from a fork. Codex can push only to branches of this repository. Nothing was started. \`/codex ask\`, \`/codex plan\` and \`/codex review\` change nothing, so they work. To have it changed, push the branch to this repository, or ask in an issue.`,
  defaultBranch: () =>
    otherReply`Codex does not push to the default branch. Nothing was started. \`/codex --branch NAME …\` names another branch. \`/codex ask\`, \`/codex plan\` and \`/codex review\` change nothing, so they work.`,
  planInteractive: () =>
    otherReply`plans, reviews and answers do not work with \`mode: interactive\`, which this repository has. Nothing was started. Set \`mode: background\` in \`.github/codex.yml\`.`,
  notOffered: (what: 'model' | 'effort', given: string, known: readonly PricedModel[]) =>
    otherReply`this repository does not allow the ${what} ${code(given)}. It allows ${priced(known)}. Nothing was started.`,
  model: (model: string, meant: string | undefined, known: readonly PricedModel[]) =>
    otherReply`there is no model ${code(model)}.${didYouMean(meant) ?? ''} There are ${priced(known)}. Nothing was started.`,
  effort: (effort: ReasoningEffort, model: string, known: readonly string[]) =>
    otherReply`${code(model)} has no effort ${code(effort)}. It has ${known.length === 0 ? 'none' : known.map(code).join(', ')}. Nothing was started.`,
  noBranch: (branch: string) =>
    otherReply`there is no branch ${code(branch)} in this repository. Nothing was started.`,
  notGranted: (what: GrantName, owner: number) =>
    otherReply`this bot does not allow ${what === 'sandboxes' ? 'that sandbox environment' : optionFlags(optionNames.filter(name => infoOf(name).grant === what))} in this repository. Nothing was started. An admin of this bot can allow it with ${code(`owners.${owner}.${what}`)} in the bot’s settings file.`,
  notAsUser: () =>
    otherReply`this repository does not allow \`--as-user\`. Nothing was started. \`as_user: true\` in \`.github/codex.yml\` allows it.`,
  sandbox: (given: string, meant: string | undefined, known: readonly string[]) =>
    otherReply`there is no sandbox environment ${code(given)}${meantOrAll(meant, known)} Nothing was started.`,
  sessionCost: (cost: number, limit: number, again?: boolean) =>
    otherReply`this session has cost ${dollars(cost)}, and the limit for one is ${dollars(limit)}. Nothing was started. ${code(again ? '/codex retry --new' : '/codex --new …')} starts a new session.`,
  /** @param words behind `/codex`, to write it again; `undefined` for words on several lines */
  hasPull: (pulls: readonly Pick<Pull, 'number' | 'title' | 'url'>[], words: string | undefined) =>
    otherReply`${pulls.length === 1 ? 'an open pull request already closes' : 'open pull requests already close'} this issue: ${pulls
      .slice(0, 5)
      .map(pullLink)
      .join(', ')}. Nothing was started. ${
      words === undefined || words.length > 200
        ? 'Write the same again with `--force` behind `/codex` to start anyway.'
        : `${code(`/codex --force ${words}`.trimEnd())} starts anyway.`
    }`,
  // `ask`, templates, `fix`, `review`.
  noQuestion: () =>
    otherReply`there is no question, so nothing was started. Write it behind the command: \`/codex ask why …\`.`,
  template: (name: string, why: keyof typeof templateFaults) =>
    otherReply`${code(templatePath(name))} ${templateFaults[why]}. Nothing was started. Correct the file on the default branch, or write ${code(`/codex -- ${name} …`)} if that is your instruction.`,
  nothingToFix: (pull: number | undefined, running?: number) =>
    otherReply`${pull === undefined ? 'there is no open pull request' : `#${pull} has no failed checks, conflicts, requested changes or open comments on lines now`}. Nothing was started.${stillRunning(running)} To have something else fixed, write \`/codex fix\` and what.`,
  fixRounds: (pull: number, most: number, { asked, byPostHog }: Rounds) =>
    otherReply`an agent was sent ${counted(asked + byPostHog, 'time')} to fix #${pull}${byPostHog > 0 ? `, ${byPostHog} of them by PostHog itself` : ''}. The limit is ${most}. Nothing was started. Write \`/codex\` and what to do, or \`/codex --force fix\`.`,
  nothingToReview: () =>
    otherReply`this is an issue, so there is nothing to review. Write the command on a pull request.`,
  // `approve`.
  nothingToApprove: () =>
    otherReply`this thread has no plan to approve. \`/codex plan\` makes one.`,
  planElsewhere: (branch: string) =>
    otherReply`the plan was made for the branch ${code(branch)}, which is gone. Nothing was started. \`/codex plan\` makes a new plan.`,
  /** @param url where it was posted anew, if it is still known */
  planChanged: (url: string | undefined) =>
    otherReply`the plan above may no longer say what Codex wrote. Nothing was started. ${url === undefined ? '`/codex plan` makes a new plan.' : `[This is what Codex wrote](${url}). Read it, then approve it.`}`,
  planOutdated: (branch: string, sha: string) =>
    otherReply`${code(branch)} has new commits since the plan was made: it is at ${code(sha.slice(0, 7))} now. Nothing was started. \`/codex plan\` makes a new plan.`,
  // `stop`, and words for a run that goes on.
  nothingToStop: () => otherReply`nothing is going on in this thread, so there is nothing to stop.`,
  askedSince: () => replyToMessage({ kind: 'asked-since' }),
  permissionOver: () => replyToMessage({ kind: 'permission-over' }),
  nothingToForce: (standing: ThreadStanding) => replies.status(standing),
  // `retry`, and what needs that nobody works.
  nothingToRetry: () =>
    otherReply`nothing was asked in this thread yet, so there is nothing to try again.`,
  noUse: (outcome: Outcome & { kind: 'failed' | 'unfinished' }) =>
    otherReply`${noUseSentence(outcome)}`,
  /** The box that was ticked stands under an earlier run. */
  goneOn: () =>
    otherReply`another run has worked in this thread since then. Nothing was started. \`/codex continue\` goes on where that one stopped.`,
  stillGoing: (command: string) =>
    otherReply`a run is still going in this thread. ${code(`/codex ${command}`)} works when it has ended. \`/codex stop\` ends it now.`,
  // `continue`.
  nothingToContinue: () =>
    otherReply`this thread has no earlier run to continue. \`/codex <instruction>\` starts one.`,
  questionAnswered: () =>
    otherReply`Codex answered the last question here, so there is nothing to go on with. Nothing was started. \`/codex ask …\` asks more. \`/codex …\` says what to do about it.`,
}

type Refusals = typeof refusals
export type RefusalName = keyof Refusals
/** What the sentence of each refusal is made of. */
export type RefusalFacts = { [Name in RefusalName]: Parameters<Refusals[Name]> }

const whyUnknown = (why: string | undefined): string =>
  why === undefined
    ? 'Try again in a few minutes.'
    : `GitHub answered: ${ended(inlineWords(why, 200))} If this keeps happening, tell an admin of this repository: ${code('/codex doctor')} shows which permissions the App lacks.`

const stillRunning = (checks = 0): string =>
  checks === 0
    ? ''
    : ` Not all checks have ended: ${counted(checks, 'check')} still ${checks === 1 ? 'runs' : 'run'}.`

const templateFaults = {
  long: `is longer than ${maxTemplate} characters`,
  unreadable: 'could not be read as text: it may be empty, larger than a megabyte, or no text',
} as const

function noUseSentence(outcome: Outcome & { kind: 'failed' | 'unfinished' }): string {
  const isFailure = outcome.kind === 'failed'
  const { fix } = isFailure ? outcome : unfinished[outcome.why]
  const why = isFailure
    ? inlineWords(outcome.reason, 300)
    : `Codex did not finish, as ${unfinished[outcome.why].because}`
  return `the same request would end the same way, so nothing was started. ${begun(ended(why))} ${fix}`
}

/** Somebody's words may only speak of an option. */
const literally = ' To say it literally, write `/codex -- …`.'

function mistakeSentence(mistake: Mistake): string {
  switch (mistake.kind) {
    case 'unknown-option':
      return `there is no option ${code(`--${mistake.given}`)}.${didYouMean(mistake.meant && `--${mistake.meant}`) ?? ` There are ${allOptions}.`}${literally} Nothing was started.`
    case 'misplaced':
      return '`/codex` works only at the start of a line. It does not work in a list, a heading, a table or an indented line. Nothing was started. Edit your comment, or write the command again.'
    case 'unaddressed':
      return 'Codex reads only comments that begin with `/codex`. If yours answers its question, write it again with `/codex` before it.'
    case 'unknown-word':
      return `there is no command ${code(mistake.given)}.${didYouMean(mistake.meant) ?? ''} Nothing was started.`
    case 'unknown-command':
      return `there is no command ${code(mistake.given)}.${didYouMean(`/codex ${mistake.meant}`) ?? ''} If it is your instruction, write ${code(`/codex -- ${mistake.given} …`)}. Nothing was started.`
    case 'missing-value':
      return `${code(flagOf(mistake.option))} needs a value: ${code(usageOf(mistake.option))}.${literally} Nothing was started.`
    case 'bad-value':
      return `${code(mistake.given)} is not a value for ${code(flagOf(mistake.option))}.${didYouMean(mistake.meant) ?? (takenBy(mistake.option) === '' ? ' It takes none.' : ` It takes ${code(takenBy(mistake.option))}.`)}${literally} Nothing was started.`
    case 'option-twice':
      return `${code(flagOf(mistake.option))} is given twice. Nothing was started.`
    case 'no-options-here':
      return `${code(`/codex ${mistake.command}`)} takes no options. Write it alone.`
    case 'too-many':
      return `this comment has more than ${mistake.max} commands. Only the first ${mistake.max} were read.`
    case 'unreadable':
      return mistake.why === 'page'
        ? 'the bot could not see this comment as GitHub’s page shows it, so it read no command in it. Write the command again in a new comment.'
        : 'a part of this comment is too long to read, or out of sight on its page. No command was read below that. Write it again in a new comment.'
  }
}

const didYouMean = (meant: string | undefined): string | undefined =>
  meant === undefined ? undefined : ` Did you mean ${code(meant)}?`

const meantOrAll = (meant: string | undefined, known: readonly string[]): string =>
  `.${didYouMean(meant) ?? ` There ${known.length === 0 ? 'are none' : `are ${known.map(code).join(', ')}`}.`}`

const allOptions = optionNames.map(name => code(flagOf(name))).join(', ')
