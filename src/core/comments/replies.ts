import type { ReasoningEffort } from '../agent/run-request.ts'
import { type CommandGrammar, instruction } from '../command/grammar.ts'
import { flagOf, infoOf, type OptionName, optionNames, takenBy, usageOf } from '../command/options.ts'
import type { Mistake } from '../command/parse.ts'
import type { Check } from '../model/check.ts'
import { type Service, serviceNames } from '../model/errors.ts'
import type { Moment } from '../model/event-order.ts'
import type { Role } from '../model/role.ts'
import type { Thread } from '../model/thread.ts'
import type { SenderReply } from '../run/record/mailbox-part.ts'
import { phaseOf, type Run } from '../run/run.ts'
import type { GrantName } from '../settings/deployment-settings.ts'
import type { HeldSetting } from '../settings/origins.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { configText } from './config-text.ts'
import { phaseInWords, runInWords } from './run-in-words.ts'
import { begun, cell, moment, withCode } from './words.ts'

export type Reply =
  | { kind: 'help'; commands: readonly CommandGrammar[]; label: string }
  | { kind: 'mistake'; mistake: Mistake }
  | { kind: 'not-allowed'; command: string; least: Role; role: string }
  | { kind: 'hidden' }
  | { kind: 'misplaced' }
  | { kind: 'not-offered'; what: 'model' | 'effort'; given: string; known: readonly string[] }
  | { kind: 'not-known'; command: string }
  | { kind: 'fork' }
  | { kind: 'effort'; effort: ReasoningEffort; model: string; known: readonly string[] }
  | { kind: 'model'; model: string; meant: string | undefined; known: readonly string[] }
  | { kind: 'no-branch'; branch: string; meant: string | undefined }
  | { kind: 'closed' }
  | SenderReply
  | { kind: 'queued-behind'; differs: readonly OptionName[] }
  | { kind: 'plan-interactive' }
  | { kind: 'plan-elsewhere'; branch: string }
  | { kind: 'nothing-to'; command: 'stop' | 'retry' | 'continue' | 'approve' }
  | { kind: 'still-going'; command: string }
  | { kind: 'stopping-beside'; thread: Pick<Thread, 'number' | 'kind'> }
  /** Without `by`, whoever asked for it stopped it. */
  | { kind: 'stopped-waiting'; by: string | undefined }
  | {
      kind: 'status'
      live?: Run | undefined
      beside?: Run | undefined
      last?: Run | undefined
      asked?: boolean
      notBegun?: readonly NotBegun[] | undefined
      now?: number | undefined
    }
  | { kind: 'queue'; run: Run | undefined; now: number }
  | { kind: 'config'; held: readonly HeldSetting[]; problem: string | undefined; usable: boolean }
  | { kind: 'doctor'; repository: string; checks: readonly Check[] }
  | { kind: 'plan-outdated'; branch: string; sha: string }
  | { kind: 'preset'; given: string; meant: string | undefined; known: readonly string[] }
  | { kind: 'sandbox'; given: string; meant: string | undefined; known: readonly string[] }
  | { kind: 'not-as-user' }
  | { kind: 'not-granted'; what: GrantName | 'sandboxes'; owner: string }
  | { kind: 'bad-settings'; problem: string }
  | { kind: 'beside-slips'; reply: Reply; problem: string }
  | { kind: 'paused'; why: string }
  | { kind: 'not-served'; owner: string }
  | { kind: 'gave-up'; reason: string }

const help = '`/codex help` shows what there is.'

const partly: ReadonlySet<Mistake['kind']> = new Set<Mistake['kind']>(['too-many', 'unreadable'])

export function replyComment(login: string, reply: Reply): string {
  return reply.kind === 'help' ? helpText(reply) : `@${login} ${sentence(reply)}`
}

function sentence(reply: Reply): string {
  switch (reply.kind) {
    case 'help':
      return helpText(reply)
    case 'mistake':
      return `${mistakeSentence(reply.mistake)}${partly.has(reply.mistake.kind) ? '' : ' Nothing was started.'}`
    case 'not-allowed':
      return `you need ${reply.least} permission on this repository to ${reply.command === 'run' ? 'start a run' : `use ${naming(reply.command)}`}; yours is ${inlineWords(reply.role, 40)}. Ask somebody who has it to write the command. Nothing was started.`
    case 'hidden':
      return 'GitHub’s page does not show all of this command: some of it is HTML, a comment, a title or invisible characters. Nothing was started. Put code into backticks and write the rest as plain text.'
    case 'misplaced':
      return '`/codex` is read only as the first word of a line of its own, not in a list, a heading, a table or an indented line. Nothing was started. Edit the comment, or write the command again. This is said once in a thread.'
    case 'not-offered':
      return `this repository does not allow the ${reply.what} ${code(reply.given)}; it allows ${reply.known.map(code).join(', ')}. Nothing was started.`
    case 'not-known':
      return `GitHub did not say which permission you have on this repository, and without that ${naming(reply.command)} is refused. Nothing was started; try again in a while.`
    case 'fork':
      return 'this pull request comes from a fork, and Codex can only push to branches of this repository. Nothing was started. Push the branch here, or ask on an issue instead.'
    case 'effort':
      return `${code(reply.model)} does not take effort ${code(reply.effort)}; it takes ${reply.known.length === 0 ? 'none' : reply.known.map(code).join(', ')}. Nothing was started.`
    case 'model':
      return `the model ${code(reply.model)} is not known${meantOrAll(reply)} Nothing was started.`
    case 'no-branch':
      return `there is no branch ${code(reply.branch)} in this repository${didYouMean(reply.meant) ?? '.'} Nothing was started.`
    case 'closed':
      return 'this is closed, so nothing was started. Reopen it and ask again.'
    case 'not-passed-on':
      return 'the run was stopped before the agent could read this. Write it again to go on.'
    case 'refused':
      return `this did not reach the agent: ${withCode(reply.because, 300).replace(/\.+$/, '')}. The run goes on without it.`
    case 'permission-over':
      return 'the agent no longer waits for this answer, so it was not passed on. The run goes on.'
    case 'permission-refused':
      return `the agent asks for a permission (${inlineWords(reply.title, 120)}), and PostHog did not take the answer: ${withCode(reply.because, 300).replace(/\.+$/, '')}. It waits until somebody answers in PostHog; \`/codex stop\` ends it.`
    case 'queued-behind':
      return `another run is still going in this thread${otherThan(reply.differs)}. This one starts when it is over.`
    case 'plan-interactive':
      return 'this repository has `mode: interactive`, in which an agent that may only read waits for permissions that nobody gives. Nothing was started. With `mode: background` in `.github/codex.yml` plans can be made.'
    case 'plan-elsewhere':
      return `the branch ${code(reply.branch)}, for which the plan was made, is not there any more. Nothing was started; \`/codex plan\` makes a new one.`
    case 'nothing-to':
      return nothingTo[reply.command]
    case 'still-going':
      return `a run is still going in this thread; ${code(`/codex ${reply.command}`)} can be used when it is over. \`/codex stop\` ends it.`
    case 'asked-since':
      return 'the run here was asked for after this was written, so it goes on. `/codex stop` stops it.'
    case 'stopping-beside':
      return `the run in ${besideThis(reply.thread)}, is being stopped. Its status there says what is left behind.`
    case 'stopped-waiting':
      return `${reply.by === undefined ? 'you stopped this' : `this was stopped by ${inlineWords(reply.by, 60)}`} before it began. Write it again if it is still wanted.`
    case 'status':
      return statusSentence(reply)
    case 'queue':
      return queueSentence(reply)
    case 'config':
      return configText(reply)
    case 'doctor':
      return doctorText(reply)
    case 'plan-outdated':
      return `${code(reply.branch)} has moved to ${code(reply.sha.slice(0, 7))} since the plan was made, so the plan may not fit any more. Nothing was started; \`/codex plan\` makes a new one.`
    case 'preset':
      return `there is no label preset ${code(reply.given)}${meantOrAll(reply)} Nothing was started.`
    case 'sandbox':
      return `there is no sandbox environment ${code(reply.given)}${meantOrAll(reply)} Nothing was started.`
    case 'not-as-user':
      return 'this repository does not allow `--as-user`: `as_user: true` in `.github/codex.yml` would. Nothing was started.'
    case 'not-granted':
      return `this bot does not grant ${grantInWords(reply.what)} in this repository. An admin of this bot can grant it: ${code(`owners.${reply.owner}.${reply.what}`)} in its settings file. Nothing was started.`
    case 'bad-settings':
      return `the settings that hold here have a problem, and no earlier version without one is there to be used. Nothing was started; fix the file and ask again.\n\n${itemsOf(reply.problem)}`
    case 'beside-slips':
      return `${sentence(reply.reply)}\n\n⚠️ The settings that hold here have a problem, too:\n\n${itemsOf(reply.problem)}`
    case 'paused':
      return `nothing starts here now: ${inlineWords(reply.why, 500)}. Ask again later.`
    case 'not-served':
      return `this bot does not serve ${code(reply.owner)}, so nothing was started. Whoever runs it can name a PostHog for this owner: ${code(`owners.${reply.owner}.posthog`)} in its settings file. This is said once.`
    case 'gave-up':
      return `this could not be done: ${inlineWords(reply.reason, 300).replace(/\.+$/, '')}. Nothing was started. Write the command again in a while.`
  }
}

/** What was asked and has no Run. */
interface NotBegun {
  by: string
  moment: Moment
  words: string | undefined
  waits?: { for: 'run' | Service; until?: number | undefined } | undefined
  stopped?: { by: string } | undefined
}

function statusSentence(status: Reply & { kind: 'status' }): string {
  const { live, last, notBegun = [], now = 0 } = status
  const waiting = notBegun.filter(({ stopped }) => !stopped)
  const stopped = notBegun.filter(each => each.stopped && !live && each.moment.at >= (last?.request.at ?? 0))
  const first = waiting.length + stopped.length > 0 && isEmpty(status) ? [] : [runSentence(status)]
  const others = [...stopped, ...waiting].slice(-maxShown).map(each => notBegunSentence(each, now))
  return [...first, ...others].map((words, at) => (at === 0 ? words : begun(words))).join(' ')
}

const maxShown = 5

const isEmpty = ({ live, beside, last, asked }: Reply & { kind: 'status' }): boolean =>
  !live && !beside && !last && !asked

function notBegunSentence({ by, words, waits, stopped }: NotBegun, now: number): string {
  const what = `${words === undefined ? 'a command' : code(words.replace(/\s+/g, ' ').trim().slice(0, 80))} by ${inlineWords(by, 60)}`
  if (stopped) return `${what} was stopped by ${inlineWords(stopped.by, 60)} before it began.`
  if (!waits) return `${what} has not begun yet.`
  const until = waits.until === undefined || waits.until <= now ? '' : ` until ${moment(waits.until, now)}`
  return `${what} waits for ${waits.for === 'run' ? 'the run here' : serviceNames[waits.for]}${until}.`
}

function runSentence({ live, beside, last, asked }: Reply & { kind: 'status' }): string {
  if (live) return `a run is going on here: ${runInWords(live)}.`
  if (beside)
    return `no run of this thread is going on, but in ${besideThis(beside.thread)}: ${runInWords(beside)}.`
  if (last) return `nothing is going on here now. The last run: ${runInWords(last)}.`
  return asked ? 'nothing is going on here now.' : `nothing was asked here yet. ${help}`
}

const besideThis = ({ number, kind }: Pick<Thread, 'number' | 'kind'>): string =>
  `#${number}, ${kind === 'issue' ? 'whose pull request this is' : 'the pull request of this issue'}`

function doctorText({ repository, checks }: Reply & { kind: 'doctor' }): string {
  const wrong = checks.filter(({ ok }) => !ok)
  const heading =
    wrong.length === 0
      ? `all is well for ${code(repository)}.`
      : `${wrong.length} of ${checks.length} checks of ${code(repository)} ${wrong.length === 1 ? 'needs' : 'need'} a hand.`
  const lines = [...wrong, ...checks.filter(({ ok }) => ok)].map(
    ({ name, ok, detail, fix }) =>
      `- ${ok ? '✓' : '✗'} ${code(name)} ${inlineWords(detail, 500)}${fix === '' ? '' : `\\\n  → ${inlineWords(fix, 500)}`}`,
  )
  return [heading, lines.join('\n')].join('\n\n')
}

function queueSentence({ run, now }: Reply & { kind: 'queue' }): string {
  if (!run) return 'nothing waits in this thread, and nothing is going on here.'
  if (phaseOf(run) !== 'waiting') return `the run here does not wait for its turn: ${phaseInWords(run)}.`
  const { ahead = 0, waitsUntil } = run.schedule
  return waitsUntil
    ? `the run here waits until ${moment(waitsUntil.at, now)}: ${waitsUntil.limit}.`
    : `the run here waits for its turn; ${ahead === 1 ? 'one run has' : `${ahead} runs have`} to end before it.`
}

const itemsOf = (problems: string): string =>
  problems
    .split('; ')
    .map(problem => `- ${withCode(problem, 300)}`)
    .join('\n')

const otherThan = (differs: readonly OptionName[]): string =>
  differs.length === 0 ? '' : `, with another ${flags(differs)}`

const flags = (names: readonly OptionName[]): string => names.map(name => code(flagOf(name))).join(' and ')

function grantInWords(what: GrantName | 'sandboxes'): string {
  const needing = optionNames.filter(name => infoOf(name).grant === what)
  return what === 'sandboxes' ? 'that sandbox environment' : flags(needing)
}

const naming = (command: string): string => (command === 'run' ? 'starting a run' : code(`/codex ${command}`))

const nothingTo: Record<'stop' | 'retry' | 'continue' | 'approve', string> = {
  stop: 'nothing is going on in this thread, so there is nothing to stop.',
  retry: 'nothing was asked in this thread yet, so there is nothing to try again.',
  continue: 'there is no earlier run in this thread to go on with. `/codex <instruction>` starts one.',
  approve: 'there is no plan in this thread to approve. `/codex plan` makes one.',
}

function mistakeSentence(mistake: Mistake): string {
  switch (mistake.kind) {
    case 'unknown-option': {
      const { given, meant } = mistake
      return `there is no option ${code(`--${given}`)}${didYouMean(meant && `--${meant}`) ?? `; there are ${allOptions}. ${help}`}`
    }
    case 'unknown-command':
      return `there is no command ${code(mistake.given)}${didYouMean(`/codex ${mistake.meant}`) ?? '.'} If it is an instruction, write ${code(`/codex -- ${mistake.given}`)}.`
    case 'missing-value':
      return `${code(flagOf(mistake.option))} needs a value: ${code(usageOf(mistake.option))}.`
    case 'bad-value':
      return `${code(mistake.given)} is not a value of ${code(flagOf(mistake.option))}${didYouMean(mistake.meant) ?? `; it takes ${code(takenBy(mistake.option))}.`}`
    case 'option-twice':
      return `${code(flagOf(mistake.option))} was given twice.`
    case 'no-options-here':
      return `${code(`/codex ${mistake.command}`)} takes no options.`
    case 'too-many':
      return `this has more than ${mistake.max} commands; the first ${mistake.max} were read, and no more.`
    case 'unreadable':
      return 'GitHub did not say how its page shows this comment, so no command was taken from it. Write it again, in a comment of its own.'
  }
}

const didYouMean = (meant: string | undefined): string | undefined =>
  meant === undefined ? undefined : `; did you mean ${code(meant)}?`

const meantOrAll = ({ meant, known }: { meant: string | undefined; known: readonly string[] }): string =>
  didYouMean(meant) ?? `; there ${known.length === 0 ? 'are none' : `are ${known.map(code).join(', ')}`}.`

const allOptions = optionNames.map(name => code(flagOf(name))).join(', ')

const shownFirst: readonly string[] = [instruction, 'plan', 'stop']

function helpText({ commands, label }: Reply & { kind: 'help' }): string {
  const examples = commands.filter(({ name }) => shownFirst.includes(name)).map(({ example }) => example)
  const rows = commands.map(
    ({ usage, about, example, least }) => `| ${cell(usage)} | ${about} | ${cell(example)} | ${least} |`,
  )
  const optionRows = optionNames.map(name => `- ${code(usageOf(name))} ${infoOf(name).about}`)
  return [
    `Write a command at the start of a line, or put the label ${code(label)} on the issue or pull request.`,
    `\`\`\`\n${examples.join('\n')}\n\`\`\``,
    '<details><summary>All commands and options</summary>',
    ['| Command | What it does | Example | Needs |', '|---|---|---|---|', ...rows].join('\n'),
    `Options of a run:\n${optionRows.join('\n')}`,
    '</details>',
  ].join('\n\n')
}
