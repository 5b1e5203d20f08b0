/**
 * What is told to whoever gave a command, but for refusals (`refusals.ts`). An entry has its name, its sentence, and a limit,
 * which `reply.ts` keeps. Nothing is posted here.
 */
import { flagOf, infoOf, type OptionName, optionNames, usageOf } from '../command/options.ts'
import { type Check, checkSign } from '../model/check.ts'
import { type CommandGrammar, instruction } from '../model/command-grammar.ts'
import type { Thread } from '../model/thread.ts'
import type { Sign } from '../model/views.ts'
import type { ReplyContent } from '../record/mailbox-part.ts'
import type { FileSlips } from '../settings/settings-file.ts'
import { counted, ended, paragraphs } from '../text/phrases.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { configText, type ShownSettings } from './settings-text.ts'
import { besideThis, standingSentence, type ThreadStanding } from './thread-standing.ts'
import { mentions, withCode } from './words.ts'

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

export const refusal = limitedTo('one refusal a day')
export const otherReply = limitedTo('one other reply a day')
const failureReply = limitedTo('one failure a day')

/** Help is for everybody who reads it. */
export const replyComment = (login: string, { text, limit }: Reply): string =>
  limit === 'one help a day' ? text : `${mentions([login])} ${text}`

export const replies = {
  help: (shown: HelpShown) => limitedTo('one help a day')`${helpText(shown)}`,
  stoppingBeside: (thread: Pick<Thread, 'number' | 'kind'>) =>
    otherReply`the run in ${besideThis(thread)} is being stopped. Its status there says what it had done.`,
  status: (standing: ThreadStanding) =>
    limitedTo('one status in ten minutes')`${standingSentence(standing)}`,
  config: (shown: ShownSettings) => otherReply`${configText(shown)}`,
  doctor: (repository: string, checks: readonly Check[]) =>
    otherReply`${doctorText(repository, checks)}`,
  besideSlips: (reply: Reply, found: FoundSlips): Reply => ({
    ...reply,
    text: `${reply.text}\n\n⚠️ Also, ${slipsSentence(found)}:\n\n${itemsOf(found)}`,
  }),
  gaveUp: (reason: string) =>
    failureReply`this did not work: ${ended(inlineWords(reason, 300))} Write the command again in a few minutes.`,
}

/** What a Run tells whoever sent it a message: its record keeps the kind and the facts. */
export function replyToMessage(reply: ReplyContent): Reply {
  switch (reply.kind) {
    case 'not-passed-on':
      return otherReply`the run was stopped before Codex could read ${askedFor({ line: reply.words })}. Write it again if you still want it.`
    case 'has-it':
      return otherReply`Codex has ${askedFor({ line: reply.words })} already, so deleting the comment does not take it back. Write \`/codex …\` and what to do instead, or \`/codex stop\`.`
    case 'asked-since':
      return otherReply`someone started the run here after you wrote \`/codex stop\`, so it goes on. Write it again to stop it.`
    case 'refused':
      return otherReply`Codex did not get ${askedFor({ line: reply.words })}: ${ended(withCode(reply.because, 300))} The run goes on without it.`
    case 'permission-over':
      return otherReply`Codex no longer waits for this answer, so it did not get it.`
    case 'permission-refused':
      return otherReply`Codex asks for a permission (${inlineWords(reply.title, 120)}). PostHog did not accept the answer: ${ended(withCode(reply.because, 300))} Codex waits until somebody answers in PostHog. \`/codex stop\` ends the run.`
  }
}

/** What stands behind the command word, or the label that asked for it instead. */
export interface NamedAs {
  line?: string | undefined
  label?: string
}

export function askedFor({ line, label }: NamedAs): string {
  if (label !== undefined) return `what the label ${code(label)} asks for`
  if (line === undefined) return 'what you asked for'
  return code(
    `/codex ${line.length > maxShownLine ? `${line.slice(0, maxShownLine).trimEnd()} …` : line}`.trimEnd(),
  )
}

const maxShownLine = 80

function doctorText(repository: string, checks: readonly Check[]): string {
  const wrong = checks.filter(({ ok }) => !ok)
  const heading =
    wrong.length === 0
      ? `all is well for ${code(repository)}.`
      : `${wrong.length} of ${checks.length} checks failed for ${code(repository)}.`
  const lines = [...wrong, ...checks.filter(({ ok }) => ok)].map(
    ({ name, detail, fix, ...rest }) =>
      `- ${checkSign(rest)} ${code(name)} ${inlineWords(detail, 500)}${fix === '' ? '' : `\\\n  → ${inlineWords(fix, 500)}`}`,
  )
  return [heading, lines.join('\n')].join('\n\n')
}

export interface FoundSlips {
  problem: string
  slips: readonly FileSlips[]
}

export const slipsSentence = ({ slips }: FoundSlips): string =>
  slips.map(({ path, count }) => `${code(path)} has ${counted(count, 'problem')}`).join(' and ')

/** The name of the only file stands above them. */
export function itemsOf({ problem, slips: [only, other] }: FoundSlips): string {
  const said = only && !other ? problem.replace(only.path, '').replace(/^[,:] /, '') : problem
  return said
    .split('; ')
    .map(each => `- ${withCode(each, 300)}`)
    .join('\n')
}

export const optionFlags = (names: readonly OptionName[]): string =>
  names.map(name => code(flagOf(name))).join(' and ')

const shownFirst: readonly string[] = [instruction, 'ask', 'plan', 'review', 'status', 'stop']

interface HelpShown {
  /** Lists what its reader may use. */
  commands: readonly CommandGrammar[]
  templates: readonly string[]
  label: string
  /** The App's login, if it is known. */
  app?: string | undefined
  guide: string | undefined
}

/** Lists, as a phone cuts a table. */
function helpText({ commands, templates, label, app, guide }: HelpShown): string {
  const mayStart = commands.some(({ name }) => name === instruction)
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
  return paragraphs([
    `Write a command at the start of a line${mayStart ? `, or put the label ${code(label)} on the issue or pull request` : ''}.${app === undefined ? '' : ` ${code(`@${app} …`)} is the same as ${code('/codex …')}.`}`,
    mayStart ? '' : 'Your permission here lets you use these commands.',
    `\`\`\`\n${examples.join('\n')}\n\`\`\``,
    guide && `[How to use it](${guide})`,
    '<details><summary>All commands, options and reactions</summary>',
    commandRows.join('\n'),
    mayStart &&
      templates.length > 0 &&
      `Templates of this repository:\n\n${templateRows.join('\n')}`,
    mayStart && `Options stand before your words, or at their end:\n\n${optionRows.join('\n')}`,
    `A reaction on your comment shows what happened:\n\n${reactionRows.join('\n')}`,
    '</details>',
  ])
}

const maxTemplates = 30

const reactionRows: readonly string[] = Object.entries({
  seen: '👀 The bot has read your command and works on it.',
  done: '👍 Your command is done: answered, given to Codex, or stopped.',
  ended: '🚀 Your run has ended. A comment has the result.',
  refused: '👎 It was refused. A comment says why.',
  failed: '😕 It failed, or ended before it was done. A comment says why.',
} satisfies Record<Sign, string>).map(([, row]) => `- ${row}`)
