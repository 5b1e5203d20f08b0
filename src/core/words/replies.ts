/**
 * Every reply to whoever gave a command: an entry of `replies` has its name and its sentence, and a limit, which
 * `reply.ts` keeps. Nothing is posted here.
 */
import {
  flagOf,
  infoOf,
  type OptionName,
  optionNames,
  takenBy,
  usageOf,
} from '../command/options.ts'
import type { Mistake } from '../command/parse.ts'
import { maxTemplate, templatePath } from '../command/template.ts'
import { type Check, markOf } from '../model/check.ts'
import type { ReasoningEffort } from '../model/codex-task-run-create.ts'
import { type CommandGrammar, instruction, type Role } from '../model/command-grammar.ts'
import type { Thread } from '../model/thread.ts'
import type { PricedModel, Pull, Sign } from '../model/views.ts'
import { unfinished } from '../record/failures.ts'
import type { SenderReply } from '../record/mailbox-part.ts'
import type { Outcome, Rounds } from '../record/run.ts'
import type { GrantName } from '../settings/deployment-settings.ts'
import type { FileSlips } from '../settings/settings-file.ts'
import { begun, counted, dollars, ended } from '../text/phrases.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { configText, type ShownSettings } from './settings-text.ts'
import { besideThis, standingSentence, type ThreadStanding } from './thread-standing.ts'
import { mentions, priced, pullLink, withCode } from './words.ts'

/** What is told to whoever gave a command. */
export interface Reply {
  text: string
  /** Somebody without rights gets no more of its like in a thread. Nobody gets more refusals. */
  limit:
    | 'one refusal a day'
    | 'one failure a day'
    | 'one help a day'
    | 'one status in ten minutes'
    | 'one other reply a day'
}

const limitedTo =
  (limit: Reply['limit']) =>
  (words: TemplateStringsArray, ...facts: readonly (string | number)[]): Reply => ({
    limit,
    text: String.raw({ raw: words }, ...facts),
  })

const refusal = limitedTo('one refusal a day')
const plain = limitedTo('one other reply a day')
const failure = limitedTo('one failure a day')

/** Help is for everybody who reads it. */
export const replyComment = (login: string, { text, limit }: Reply): string =>
  limit === 'one help a day' ? text : `${mentions([login])} ${text}`

export const replies = {
  help: (shown: HelpShown) => limitedTo('one help a day')`${helpText(shown)}`,
  mistake: (mistake: Mistake) => plain`${mistakeSentence(mistake)}`,
  notAllowed: ({ command, least, role }: { command: string; least: Role; role: string }) =>
    refusal`you need ${least} permission to ${command === instruction ? 'start a run' : `use ${code(`/codex ${command}`)}`}. Your permission here is ${inlineWords(role, 40)}. Ask somebody with ${least} permission to write the command.`,
  /** @param why what GitHub refused to say */
  notKnown: (command: string, why: string | undefined) =>
    refusal`the bot could not find out which permission you have here, so it refused ${command === instruction ? 'to start a run' : code(`/codex ${command}`)}. ${whyUnknown(why)}`,
  hidden: plain`GitHub’s page does not show all of this command: some of it is HTML, an HTML comment, a link title or invisible characters. Nothing was started. Put code into backticks and write the rest as plain text.`,
  notOffered: (what: 'model' | 'effort', given: string, known: readonly PricedModel[]) =>
    plain`this repository does not allow the ${what} ${code(given)}. It allows ${priced(known)}. Nothing was started.`,
  fork: plain`this pull request comes from a fork. Codex can push only to branches of this repository. Nothing was started. \`/codex ask\`, \`/codex plan\` and \`/codex review\` change nothing, so they work. To have it changed, push the branch to this repository, or ask in an issue.`,
  defaultBranch: plain`Codex does not push to the default branch. Nothing was started. \`/codex --branch NAME …\` names another branch. \`/codex ask\`, \`/codex plan\` and \`/codex review\` change nothing, so they work.`,
  effort: (effort: ReasoningEffort, model: string, known: readonly string[]) =>
    plain`${code(model)} has no effort ${code(effort)}. It has ${known.length === 0 ? 'none' : known.map(code).join(', ')}. Nothing was started.`,
  model: (model: string, meant: string | undefined, known: readonly PricedModel[]) =>
    plain`there is no model ${code(model)}.${didYouMean(meant) ?? ''} There are ${priced(known)}. Nothing was started.`,
  nothingToFix: (pull: number | undefined, running?: number) =>
    plain`${pull === undefined ? 'there is no open pull request' : `#${pull} has no failed checks, conflicts, requested changes or open comments now`}. Nothing was started.${stillRunning(running)} To have something else fixed, write \`/codex fix\` and what.`,
  fixRounds: (pull: number, most: number, { asked, byPostHog }: Rounds) =>
    plain`an agent was sent ${counted(asked + byPostHog, 'time')} to fix #${pull}${byPostHog > 0 ? `, ${byPostHog} of them by PostHog itself` : ''}. The limit is ${most}. Nothing was started. Write \`/codex\` and what to do, or \`/codex --force fix\`.`,
  noBranch: (branch: string) =>
    plain`there is no branch ${code(branch)} in this repository. Nothing was started.`,
  template: (name: string, why: keyof typeof templateFaults) =>
    plain`${code(templatePath(name))} ${templateFaults[why]}. Nothing was started. Correct the file on the default branch, or write ${code(`/codex -- ${name} …`)} if that is your instruction.`,
  baseOfPull: plain`a pull request has a base already. Nothing was started. Change the base on its page, or ask without \`--base\`.`,
  baseTaken: (pull: number, base: string) =>
    plain`pull request #${pull} of this thread is open, and goes into ${code(base)}. Nothing was started. Change the base on its page, or ask without \`--base\`.`,
  closed: plain`this is closed, so nothing was started. Reopen it and ask again.`,
  queuedBehind: (asked: NamedAs, differs: readonly OptionName[] = []) =>
    plain`another run is still going in this thread${differs.length === 0 ? '' : `, with another ${flags(differs)}`}. ${begun(askedFor(asked))} starts when it has ended.`,
  accessWasLost: (asked: NamedAs, { by, because }: { by: string; because: string }) =>
    plain`not started: ${code(by)} ${because} before ${askedFor(asked)} began. Write it again to start it.`,
  planInteractive: plain`plans, reviews and answers do not work with \`mode: interactive\`, which this repository has. Nothing was started. Set \`mode: background\` in \`.github/codex.yml\`.`,
  planElsewhere: (branch: string) =>
    plain`the plan was made for the branch ${code(branch)}, which is gone. Nothing was started. \`/codex plan\` makes a new plan.`,
  /** @param url where it was posted anew, if it is still known */
  planChanged: (url: string | undefined) =>
    plain`the plan above may no longer say what Codex wrote. Nothing was started. ${url === undefined ? '`/codex plan` makes a new plan.' : `[This is what Codex wrote](${url}). Read it, then approve it.`}`,
  planOutdated: (branch: string, sha: string) =>
    plain`${code(branch)} has new commits since the plan was made: it is at ${code(sha.slice(0, 7))} now. Nothing was started. \`/codex plan\` makes a new plan.`,
  nothingToStop: plain`nothing is going on in this thread, so there is nothing to stop.`,
  nothingToRetry: plain`nothing was asked in this thread yet, so there is nothing to try again.`,
  nothingToContinue: plain`this thread has no earlier run to continue. \`/codex <instruction>\` starts one.`,
  nothingToApprove: plain`this thread has no plan to approve. \`/codex plan\` makes one.`,
  nothingToReview: plain`this is an issue, so there is nothing to review. Write the command on a pull request.`,
  noQuestion: plain`there is no question, so nothing was started. Write it behind the command: \`/codex ask why …\`.`,
  questionAnswered: plain`Codex answered the last question here, so there is nothing to go on with. Nothing was started. \`/codex ask …\` asks more. \`/codex …\` says what to do about it.`,
  stillGoing: (command: string) =>
    plain`a run is still going in this thread. ${code(`/codex ${command}`)} works when it has ended. \`/codex stop\` ends it now.`,
  /** The box that was ticked stands under an earlier run. */
  goneOn: plain`another run has worked in this thread since then. Nothing was started. \`/codex continue\` goes on where that one stopped.`,
  noUse: (outcome: Outcome & { kind: 'failed' | 'unfinished' }) => plain`${noUseSentence(outcome)}`,
  stoppingBeside: (thread: Pick<Thread, 'number' | 'kind'>) =>
    plain`the run in ${besideThis(thread)} is being stopped. Its status there says what it had done.`,
  /** @param by somebody else than whoever asked for it */
  stoppedWaiting: (asked: readonly NamedAs[], by: string | undefined) =>
    plain`${by === undefined ? 'you' : code(by)} stopped ${asked.map(askedFor).join(' and ')} before ${asked.length === 1 ? 'it began. Write it again if you still want it' : 'they began. Write again what you still want'}.`,
  status: (standing: ThreadStanding) =>
    limitedTo('one status in ten minutes')`${standingSentence(standing)}`,
  config: (shown: ShownSettings) => plain`${configText(shown)}`,
  doctor: (repository: string, checks: readonly Check[]) =>
    plain`${doctorText(repository, checks)}`,
  preset: (given: string, meant: string | undefined, known: readonly string[]) =>
    plain`there is no label preset ${code(given)}${meantOrAll(meant, known)} Nothing was started.`,
  stateLabel: (label: string) =>
    plain`only the bot sets the label ${code(label)}: it says how a run here stands. Nothing was started.`,
  sandbox: (given: string, meant: string | undefined, known: readonly string[]) =>
    plain`there is no sandbox environment ${code(given)}${meantOrAll(meant, known)} Nothing was started.`,
  notAsUser: plain`this repository does not allow \`--as-user\`. Nothing was started. \`as_user: true\` in \`.github/codex.yml\` allows it.`,
  notGranted: (what: GrantName, owner: number) =>
    plain`this bot does not allow ${what === 'sandboxes' ? 'that sandbox environment' : flags(optionNames.filter(name => infoOf(name).grant === what))} in this repository. Nothing was started. An admin of this bot can allow it with ${code(`owners.${owner}.${what}`)} in the bot’s settings file.`,
  badSettings: (found: FoundSlips) =>
    plain`${slipsOf(found)}, so nothing was started:\n\n${itemsOf(found)}\n\nFix the file, then ask again.`,
  besideSlips: (reply: Reply, found: FoundSlips): Reply => ({
    ...reply,
    text: `${reply.text}\n\n⚠️ Also, ${slipsOf(found)}:\n\n${itemsOf(found)}`,
  }),
  sessionCost: (cost: number, limit: number, again?: boolean) =>
    plain`this session has cost ${dollars(cost)}, and the limit for one is ${dollars(limit)}. Nothing was started. ${code(again ? '/codex retry --new' : '/codex --new …')} starts a new session.`,
  /** @param words behind `/codex`, to write it again; `undefined` for words on several lines */
  hasPull: (pulls: readonly Pick<Pull, 'number' | 'title' | 'url'>[], words: string | undefined) =>
    plain`${pulls.length === 1 ? 'an open pull request already closes' : 'open pull requests already close'} this issue: ${pulls
      .slice(0, 5)
      .map(pullLink)
      .join(', ')}. Nothing was started. ${
      words === undefined || words.length > 200
        ? 'Write the same again with `--force` behind `/codex` to start anyway.'
        : `${code(`/codex --force ${words}`.trimEnd())} starts anyway.`
    }`,
  notServed: (owner: string, ownerId: number) =>
    plain`this bot does not serve ${code(owner)}, so nothing was started. An admin of this bot can add ${code(`owners.${ownerId}.posthog`)} to the bot’s settings file.`,
  gaveUp: (reason: string) =>
    failure`this did not work: ${ended(inlineWords(reason, 300))} Write the command again in a few minutes.`,
}

/** What a Run tells whoever sent it a message: its record keeps the kind and the facts. */
export function replyToMessage(reply: SenderReply): Reply {
  switch (reply.kind) {
    case 'not-passed-on':
      return plain`the run was stopped before Codex could read ${askedFor({ line: reply.words })}. Write it again if you still want it.`
    case 'has-it':
      return plain`Codex has ${askedFor({ line: reply.words })} already, so deleting the comment does not take it back. Write \`/codex …\` and what to do instead, or \`/codex stop\`.`
    case 'asked-since':
      return plain`someone started the run here after you wrote \`/codex stop\`, so it goes on. Write it again to stop it.`
    case 'refused':
      return plain`Codex did not get ${askedFor({ line: reply.words })}: ${ended(withCode(reply.because, 300))} The run goes on without it.`
    case 'permission-over':
      return plain`Codex no longer waits for this answer, so it did not get it.`
    case 'permission-refused':
      return plain`Codex asks for a permission (${inlineWords(reply.title, 120)}). PostHog did not accept the answer: ${ended(withCode(reply.because, 300))} Codex waits until somebody answers in PostHog. \`/codex stop\` ends the run.`
  }
}

const whyUnknown = (why: string | undefined): string =>
  why === undefined
    ? 'Try again in a few minutes.'
    : `GitHub answered: ${ended(inlineWords(why, 200))} If this keeps happening, tell an admin of this repository: ${code('/codex doctor')} shows which permissions the App lacks.`

/** What stands behind the command word, or the label that asked for it instead. */
export interface NamedAs {
  line?: string | undefined
  label?: string
}

function askedFor({ line, label }: NamedAs): string {
  if (label !== undefined) return `what the label ${code(label)} asks for`
  if (line === undefined) return 'what you asked for'
  return code(
    `/codex ${line.length > maxShownLine ? `${line.slice(0, maxShownLine).trimEnd()} …` : line}`.trimEnd(),
  )
}

const stillRunning = (checks = 0): string =>
  checks === 0
    ? ''
    : ` Not all checks have ended: ${counted(checks, 'check')} still ${checks === 1 ? 'runs' : 'run'}.`

const maxShownLine = 80

const templateFaults = {
  long: `is longer than ${maxTemplate} characters`,
  unreadable: 'could not be read as text: it may be empty, larger than a megabyte, or no text',
} as const

function doctorText(repository: string, checks: readonly Check[]): string {
  const wrong = checks.filter(({ ok }) => !ok)
  const heading =
    wrong.length === 0
      ? `all is well for ${code(repository)}.`
      : `${wrong.length} of ${checks.length} checks failed for ${code(repository)}.`
  const lines = [...wrong, ...checks.filter(({ ok }) => ok)].map(
    ({ name, detail, fix, ...rest }) =>
      `- ${markOf(rest)} ${code(name)} ${inlineWords(detail, 500)}${fix === '' ? '' : `\\\n  → ${inlineWords(fix, 500)}`}`,
  )
  return [heading, lines.join('\n')].join('\n\n')
}

interface FoundSlips {
  problem: string
  slips: readonly FileSlips[]
}

const slipsOf = ({ slips }: FoundSlips): string =>
  slips.map(({ path, count }) => `${code(path)} has ${counted(count, 'problem')}`).join(' and ')

/** The name of the only file stands above them. */
function itemsOf({ problem, slips: [only, other] }: FoundSlips): string {
  const said = only && !other ? problem.replace(only.path, '').replace(/^[,:] /, '') : problem
  return said
    .split('; ')
    .map(each => `- ${withCode(each, 300)}`)
    .join('\n')
}

const flags = (names: readonly OptionName[]): string =>
  names.map(name => code(flagOf(name))).join(' and ')

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
    case 'unknown-word':
      return `there is no command ${code(mistake.given)}.${didYouMean(mistake.meant) ?? ''} Nothing was started.`
    case 'unknown-command':
      return `there is no command ${code(mistake.given)}.${didYouMean(`/codex ${mistake.meant}`) ?? ''} If it is your instruction, write ${code(`/codex -- ${mistake.given} …`)}. Nothing was started.`
    case 'removed':
      return `there is no ${code(mistake.what)} any more: ${mistake.instead}. Nothing was started.`
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

const shownFirst: readonly string[] = [instruction, 'plan', 'stop']

interface HelpShown {
  commands: readonly CommandGrammar[]
  templates: readonly string[]
  label: string
  /** The App's login, if it is known. */
  app?: string | undefined
}

/** Lists, as a phone cuts a table. */
function helpText({ commands, templates, label, app }: HelpShown): string {
  const examples = commands
    .filter(({ name }) => shownFirst.includes(name))
    .map(({ example }) => example)
  const commandRows = commands.map(
    ({ usage, about, least }) => `- ${code(usage)} (${least} permission)\\\n  ${about}`,
  )
  const optionRows = optionNames.map(name => `- ${code(usageOf(name))}\\\n  ${infoOf(name).about}`)
  const templateRows = templates.slice(0, maxTemplates).map(name => `- ${code(`/codex ${name} …`)}`)
  if (templates.length > maxTemplates)
    templateRows.push(`- and ${templates.length - maxTemplates} more`)
  return [
    `Write a command at the start of a line, or put the label ${code(label)} on the issue or pull request.${app === undefined ? '' : ` ${code(`@${app} …`)} is the same as ${code('/codex …')}.`}`,
    `\`\`\`\n${examples.join('\n')}\n\`\`\``,
    '<details><summary>All commands, options and reactions</summary>',
    commandRows.join('\n'),
    ...(templates.length === 0
      ? []
      : [`Templates of this repository:\n\n${templateRows.join('\n')}`]),
    `Options stand before your words:\n\n${optionRows.join('\n')}`,
    `A reaction on your comment shows what happened:\n\n${reactionRows.join('\n')}`,
    '</details>',
  ].join('\n\n')
}

const maxTemplates = 30

const reactionRows: readonly string[] = Object.entries({
  seen: '👀 The bot has read your command and works on it.',
  done: '👍 Your command is done: answered, given to Codex, or stopped.',
  ended: '🚀 Your run has ended. A comment has the result.',
  refused: '👎 It was refused. A comment says why.',
  failed: '😕 It failed, or ended before it was done. A comment says why.',
} satisfies Record<Sign, string>).map(([, row]) => `- ${row}`)
