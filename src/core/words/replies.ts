/**
 * Every reply to whoever gave a command: its kind with its facts, and its sentence.
 * Nothing is posted here.
 */
import { flagOf, infoOf, type OptionName, optionNames, takenBy, usageOf } from '../command/options.ts'
import type { Mistake } from '../command/parse.ts'
import { maxTemplate, templatePath } from '../command/template.ts'
import { type Check, markOf } from '../model/check.ts'
import type { ReasoningEffort } from '../model/codex-task-run-create.ts'
import { type CommandGrammar, instruction, type Role } from '../model/command-grammar.ts'
import type { Thread } from '../model/thread.ts'
import type { PricedModel, Sign } from '../model/views.ts'
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

export type Reply =
  | {
      kind: 'help'
      commands: readonly CommandGrammar[]
      templates: readonly string[]
      label: string
      /** The App's login, if it is known. */
      app?: string | undefined
    }
  | { kind: 'mistake'; mistake: Mistake }
  | { kind: 'not-allowed'; command: string; least: Role; role: string }
  | { kind: 'hidden' }
  | { kind: 'misplaced' }
  | { kind: 'not-offered'; what: 'model' | 'effort'; given: string; known: readonly PricedModel[] }
  /** `why`: what GitHub refused to say. */
  | { kind: 'not-known'; command: string; why: string | undefined }
  | { kind: 'fork' }
  | { kind: 'effort'; effort: ReasoningEffort; model: string; known: readonly string[] }
  | { kind: 'model'; model: string; meant: string | undefined; known: readonly PricedModel[] }
  | { kind: 'no-branch'; branch: string; meant: string | undefined }
  | { kind: 'template'; name: string; why: 'long' | 'unreadable' }
  | { kind: 'base-of-pull' }
  | { kind: 'base-taken'; pull: number; base: string }
  | { kind: 'closed' }
  | SenderReply
  /** `line`: what stands behind the command word; `label`: what asked for it instead. */
  | { kind: 'queued-behind'; differs: readonly OptionName[]; line?: string | undefined; label?: string }
  | { kind: 'plan-interactive' }
  | { kind: 'plan-elsewhere'; branch: string }
  | { kind: 'nothing-to'; command: NothingTo }
  /** A question, after which nothing is left to go on with. */
  | { kind: 'question-answered' }
  | { kind: 'still-going'; command: string }
  /** The box that was ticked stands under an earlier run. */
  | { kind: 'gone-on' }
  | { kind: 'no-use'; outcome: Outcome & { kind: 'failed' | 'unfinished' } }
  | { kind: 'stopping-beside'; thread: Pick<Thread, 'number' | 'kind'> }
  | { kind: 'access-was-lost'; by: string; because: string }
  /** Without `by`, whoever asked for it stopped it. */
  | { kind: 'stopped-waiting'; by: string | undefined }
  | ({ kind: 'status' } & ThreadStanding)
  | ({ kind: 'config' } & ShownSettings)
  | { kind: 'doctor'; repository: string; checks: readonly Check[] }
  | { kind: 'plan-outdated'; branch: string; sha: string }
  | { kind: 'preset'; given: string; meant: string | undefined; known: readonly string[] }
  | { kind: 'state-label'; label: string }
  | { kind: 'sandbox'; given: string; meant: string | undefined; known: readonly string[] }
  | { kind: 'not-as-user' }
  | { kind: 'not-granted'; what: GrantName; owner: number }
  | { kind: 'bad-settings'; problem: string; slips: readonly FileSlips[] }
  | { kind: 'beside-slips'; reply: Reply; problem: string; slips: readonly FileSlips[] }
  | { kind: 'session-cost'; cost: number; limit: number; again?: boolean }
  | {
      kind: 'has-pull'
      pulls: readonly {
        number: number
        title: string
        url: string
      }[] /** Behind `/codex`, to write it again; `undefined` for words on several lines. */
      words: string | undefined
    }
  | { kind: 'nothing-to-fix'; pull: number | undefined; running?: number | undefined }
  | ({ kind: 'fix-rounds'; pull: number; most: number } & Rounds)
  | { kind: 'not-served'; owner: string; ownerId: number }
  | { kind: 'gave-up'; reason: string }

const whyUnknown = (why: string | undefined): string =>
  why === undefined
    ? 'Try again in a few minutes.'
    : `It said: ${ended(inlineWords(why, 200))} If this keeps happening, tell an admin of this repository: ${code('/codex doctor')} shows which permissions the App lacks.`

const partly: ReadonlySet<Mistake['kind']> = new Set<Mistake['kind']>(['too-many', 'unreadable'])

export function replyComment(login: string, reply: Reply): string {
  return reply.kind === 'help' ? helpText(reply) : `${mentions([login])} ${sentence(reply, login)}`
}

function sentence(reply: Reply, login: string): string {
  switch (reply.kind) {
    case 'help':
      return helpText(reply)
    case 'mistake':
      return `${mistakeSentence(reply.mistake)}${partly.has(reply.mistake.kind) ? '' : ' Nothing was started.'}`
    case 'not-allowed':
      return `you need ${reply.least} permission to ${reply.command === 'run' ? 'start a run' : `use ${naming(reply.command)}`}. You have ${inlineWords(reply.role, 40)}. Nothing was started. Ask somebody with ${reply.least} permission to write the command.`
    case 'hidden':
      return 'GitHub’s page does not show all of this command: some of it is HTML, an HTML comment, a link title or invisible characters. Nothing was started. Put code into backticks and write the rest as plain text.'
    case 'misplaced':
      return '`/codex` works only at the start of a line. It does not work in a list, a heading, a table or an indented line. Nothing was started. Edit your comment, or write the command again.'
    case 'not-offered':
      return `this repository does not allow the ${reply.what} ${code(reply.given)}. It allows ${priced(reply.known)}. Nothing was started.`
    case 'not-known':
      return `GitHub did not say which permission you have here, so ${naming(reply.command)} was refused. Nothing was started. ${whyUnknown(reply.why)}`
    case 'fork':
      return 'this pull request comes from a fork. Codex can push only to branches of this repository. Nothing was started. `/codex ask`, `/codex plan` and `/codex review` work here: they ask Codex for words alone. To have it changed, push the branch to this repository, or ask in an issue.'
    case 'effort':
      return `${code(reply.model)} has no effort ${code(reply.effort)}. It has ${reply.known.length === 0 ? 'none' : reply.known.map(code).join(', ')}. Nothing was started.`
    case 'model':
      return `there is no model ${code(reply.model)}.${didYouMean(reply.meant) ?? ''} There are ${priced(reply.known)}. Nothing was started.`
    case 'nothing-to-fix':
      return `${reply.pull === undefined ? 'there is no open pull request' : `#${reply.pull} has no failed checks, conflicts, requested changes or open comments now`}. Nothing was started.${stillRunning(reply.running)} To have something else fixed, write \`/codex fix\` and what.`
    case 'fix-rounds':
      return `an agent was sent ${counted(reply.asked + reply.byPostHog, 'time')} to fix #${reply.pull}${reply.byPostHog > 0 ? `, ${reply.byPostHog} of them by PostHog itself` : ''}. The limit is ${reply.most}. Nothing was started. Write \`/codex\` and what to do, or \`/codex --force fix\`.`
    case 'no-branch':
      return `there is no branch ${code(reply.branch)} in this repository.${didYouMean(reply.meant) ?? ''} Nothing was started.`
    case 'template':
      return `${code(templatePath(reply.name))} ${templateFaults[reply.why]}. Nothing was started. Correct the file on the default branch, or write ${code(`/codex -- ${reply.name} …`)} if that is your instruction.`
    case 'base-of-pull':
      return 'a pull request has a base already. Nothing was started. Change the base on its page, or ask without `--base`.'
    case 'base-taken':
      return `pull request #${reply.pull} of this thread is open, and goes into ${code(reply.base)}. Nothing was started. Change the base on its page, or ask without \`--base\`.`
    case 'closed':
      return 'this is closed, so nothing was started. Reopen it and ask again.'
    case 'not-passed-on':
      return 'the run was stopped before Codex could read this. Write it again if you still want it.'
    case 'refused':
      return `Codex did not get ${reply.words ? `“${inlineWords(reply.words, 60)}”` : 'this'}: ${ended(withCode(reply.because, 300))} The run goes on without it.`
    case 'permission-over':
      return 'Codex no longer waits for this answer, so it did not get it. The run goes on.'
    case 'permission-refused':
      return `Codex asks for a permission (${inlineWords(reply.title, 120)}). PostHog did not accept the answer: ${ended(withCode(reply.because, 300))} Codex waits until somebody answers in PostHog. \`/codex stop\` ends the run.`
    case 'queued-behind':
      return `another run is still going in this thread${reply.differs.length === 0 ? '' : `, with another ${flags(reply.differs)}`}. ${waitingInWords(reply)} starts when it has ended.`
    case 'access-was-lost':
      return `not started: ${code(reply.by)} ${reply.because} before it began. Write it again to start it.`
    case 'plan-interactive':
      return 'plans, reviews and answers do not work with `mode: interactive`, which this repository has. Nothing was started. Set `mode: background` in `.github/codex.yml`.'
    case 'plan-elsewhere':
      return `the plan was made for the branch ${code(reply.branch)}, which is gone. Nothing was started. \`/codex plan\` makes a new plan.`
    case 'nothing-to':
      return nothingTo[reply.command]
    case 'question-answered':
      return 'Codex answered the last question here, so there is nothing to go on with. Nothing was started. `/codex ask …` asks more. `/codex …` says what to do about it.'
    case 'still-going':
      return `a run is still going in this thread. ${code(`/codex ${reply.command}`)} works when it has ended. \`/codex stop\` ends it now.`
    case 'gone-on':
      return 'another run has worked in this thread since then. Nothing was started. `/codex continue` goes on where that one stopped.'
    case 'no-use':
      return noUseSentence(reply.outcome)
    case 'asked-since':
      return 'someone started the run here after you wrote this, so it goes on. Write `/codex stop` again to stop it.'
    case 'stopping-beside':
      return `the run in ${besideThis(reply.thread)} is being stopped. Its status there says what it had done.`
    case 'stopped-waiting':
      return `${reply.by === undefined ? 'you stopped this' : `this was stopped by ${code(reply.by)}`} before it began. Write it again if you still want it.`
    case 'status':
      return standingSentence(reply)
    case 'config':
      return configText(reply)
    case 'doctor':
      return doctorText(reply)
    case 'plan-outdated':
      return `${code(reply.branch)} has new commits since the plan was made: it is at ${code(reply.sha.slice(0, 7))} now. Nothing was started. \`/codex plan\` makes a new plan.`
    case 'preset':
      return `there is no label preset ${code(reply.given)}${meantOrAll(reply)} Nothing was started.`
    case 'state-label':
      return `only the bot sets the label ${code(reply.label)}: it says how a run here stands. Nothing was started.`
    case 'sandbox':
      return `there is no sandbox environment ${code(reply.given)}${meantOrAll(reply)} Nothing was started.`
    case 'not-as-user':
      return 'this repository does not allow `--as-user`. Nothing was started. `as_user: true` in `.github/codex.yml` allows it.'
    case 'not-granted':
      return `this bot does not allow ${reply.what === 'sandboxes' ? 'that sandbox environment' : flags(optionNames.filter(name => infoOf(name).grant === reply.what))} in this repository. Nothing was started. An admin of this bot can allow it with ${code(`owners.${reply.owner}.${reply.what}`)} in the bot’s settings file.`
    case 'bad-settings':
      return `${slipsOf(reply.slips)}, so nothing was started:\n\n${itemsOf(reply)}\n\nFix the file, then ask again.`
    case 'beside-slips':
      return `${sentence(reply.reply, login)}\n\n⚠️ Also, ${slipsOf(reply.slips)}:\n\n${itemsOf(reply)}`
    case 'session-cost':
      return `this session has cost ${dollars(reply.cost)}, and the limit for one is ${dollars(reply.limit)}. Nothing was started. ${code(reply.again ? '/codex retry --new' : '/codex --new …')} starts a new session.`
    case 'has-pull':
      return `${reply.pulls.length === 1 ? 'an open pull request already closes' : 'open pull requests already close'} this issue: ${reply.pulls
        .slice(0, maxPulls)
        .map(pullLink)
        .join(', ')}. Nothing was started. ${
        reply.words === undefined || reply.words.length > maxWords
          ? 'Write the same again with `--force` behind `/codex` to start anyway.'
          : `${code(`/codex --force ${reply.words}`.trimEnd())} starts anyway.`
      }`
    case 'not-served':
      return `this bot does not serve ${code(reply.owner)}, so nothing was started. An admin of this bot can add ${code(`owners.${reply.ownerId}.posthog`)} to the bot’s settings file.`
    case 'gave-up':
      return `this did not work: ${ended(inlineWords(reply.reason, 300))} Nothing was started. Write the command again in a few minutes.`
  }
}

function waitingInWords({ line, label }: Reply & { kind: 'queued-behind' }): string {
  if (label !== undefined) return `What the label ${code(label)} asks for`
  if (line === undefined) return 'What you asked for'
  return code(
    `/codex ${line.length > maxShownLine ? `${line.slice(0, maxShownLine).trimEnd()} …` : line}`.trimEnd(),
  )
}

const stillRunning = (checks = 0): string =>
  checks === 0
    ? ''
    : ` Not all checks have ended: ${counted(checks, 'check')} still ${checks === 1 ? 'runs' : 'run'}.`

const maxPulls = 5
const maxShownLine = 80

const maxWords = 200

const templateFaults = {
  long: `is longer than ${maxTemplate} characters`,
  unreadable: 'could not be read as text: it may be empty, larger than a megabyte, or no text',
} as const

function doctorText({ repository, checks }: Reply & { kind: 'doctor' }): string {
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

const slipsOf = (slips: readonly FileSlips[]): string =>
  slips.map(({ path, count }) => `${code(path)} has ${counted(count, 'problem')}`).join(' and ')

/** The name of the only file stands above them. */
function itemsOf({ problem, slips }: { problem: string; slips: readonly FileSlips[] }): string {
  const name = slips.length === 1 ? slips[0]?.path : undefined
  return problem
    .split('; ')
    .map(each =>
      name !== undefined && each.startsWith(name) ? each.slice(name.length).replace(/^[,:] /, '') : each,
    )
    .map(each => `- ${withCode(each, 300)}`)
    .join('\n')
}

const flags = (names: readonly OptionName[]): string => names.map(name => code(flagOf(name))).join(' and ')

function noUseSentence(outcome: Outcome & { kind: 'failed' | 'unfinished' }): string {
  const isFailure = outcome.kind === 'failed'
  const { fix } = isFailure ? outcome : unfinished[outcome.why]
  const why = isFailure
    ? inlineWords(outcome.reason, 300)
    : `Codex did not finish, as ${unfinished[outcome.why].because}`
  return `the same request would end the same way, so nothing was started. ${begun(ended(why))} ${fix}`
}

const naming = (command: string): string => (command === 'run' ? 'starting a run' : code(`/codex ${command}`))

type NothingTo = 'stop' | 'retry' | 'continue' | 'approve' | 'review' | 'ask'

const nothingTo: Record<NothingTo, string> = {
  stop: 'nothing is going on in this thread, so there is nothing to stop.',
  retry: 'nothing was asked in this thread yet, so there is nothing to try again.',
  continue: 'this thread has no earlier run to continue. `/codex <instruction>` starts one.',
  approve: 'this thread has no plan to approve. `/codex plan` makes one.',
  ask: 'there is no question, so nothing was started. Write it behind the command: `/codex ask why …`.',
  review: 'this is an issue, so there is nothing to review. Write the command on a pull request.',
}

/** Somebody's words may only speak of an option. */
const literally = ' To say it literally, write `/codex -- …`.'

function mistakeSentence(mistake: Mistake): string {
  switch (mistake.kind) {
    case 'unknown-option': {
      const { given, meant } = mistake
      return `there is no option ${code(`--${given}`)}.${didYouMean(meant && `--${meant}`) ?? ` There are ${allOptions}.`}${literally}`
    }
    case 'unknown-command':
      return `there is no command ${code(mistake.given)}.${didYouMean(`/codex ${mistake.meant}`) ?? ''} If it is your instruction, write ${code(`/codex -- ${mistake.given} …`)}.`
    case 'removed':
      return `there is no ${code(mistake.what)} any more: ${mistake.instead}.`
    case 'missing-value':
      return `${code(flagOf(mistake.option))} needs a value: ${code(usageOf(mistake.option))}.${literally}`
    case 'bad-value':
      return `${code(mistake.given)} is not a value for ${code(flagOf(mistake.option))}.${didYouMean(mistake.meant) ?? (takenBy(mistake.option) === '' ? ' It takes none.' : ` It takes ${code(takenBy(mistake.option))}.`)}${literally}`
    case 'option-twice':
      return `${code(flagOf(mistake.option))} is given twice.`
    case 'no-options-here':
      return `${code(`/codex ${mistake.command}`)} takes no options.`
    case 'too-many':
      return `this comment has more than ${mistake.max} commands. Only the first ${mistake.max} were read.`
    case 'unreadable':
      return mistake.why === 'page'
        ? 'GitHub did not say how its page shows this comment, so the bot read no command in it. Write the command again in a new comment.'
        : 'a part of this comment is too long to read, or out of sight on its page. No command was read below that. Write it again in a new comment.'
  }
}

const didYouMean = (meant: string | undefined): string | undefined =>
  meant === undefined ? undefined : ` Did you mean ${code(meant)}?`

const meantOrAll = ({ meant, known }: { meant: string | undefined; known: readonly string[] }): string =>
  `.${didYouMean(meant) ?? ` There ${known.length === 0 ? 'are none' : `are ${known.map(code).join(', ')}`}.`}`

const allOptions = optionNames.map(name => code(flagOf(name))).join(', ')

const shownFirst: readonly string[] = [instruction, 'plan', 'stop']

/** Lists, as a phone cuts a table. */
function helpText({ commands, templates, label, app }: Reply & { kind: 'help' }): string {
  const examples = commands.filter(({ name }) => shownFirst.includes(name)).map(({ example }) => example)
  const commandRows = commands.map(
    ({ usage, about, least }) => `- ${code(usage)} (${least} permission)\\\n  ${about}`,
  )
  const optionRows = optionNames.map(name => `- ${code(usageOf(name))}\\\n  ${infoOf(name).about}`)
  const templateRows = templates.slice(0, maxTemplates).map(name => `- ${code(`/codex ${name} …`)}`)
  if (templates.length > maxTemplates) templateRows.push(`- and ${templates.length - maxTemplates} more`)
  return [
    `Write a command at the start of a line, or put the label ${code(label)} on the issue or pull request.${app === undefined ? '' : ` ${code(`@${app} …`)} is the same as ${code('/codex …')}.`}`,
    `\`\`\`\n${examples.join('\n')}\n\`\`\``,
    '<details><summary>All commands, options and reactions</summary>',
    commandRows.join('\n'),
    ...(templates.length === 0 ? [] : [`Templates of this repository:\n\n${templateRows.join('\n')}`]),
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
