/** What `/codex status` answers: how the thread stands. */
import { type Service, serviceNames } from '../model/errors.ts'
import type { Thread } from '../model/thread.ts'
import type { Moment } from '../record/event-order.ts'
import { retryOf, services } from '../record/retries.ts'
import type { Run } from '../record/run.ts'
import { type Ending, type Live, situationOf } from '../record/situation.ts'
import { begun, moment, withoutEmpty } from '../text/phrases.ts'
import { code } from '../text/safe-markdown.ts'
import { waitsInWords } from './waiting.ts'
import { questionUrl } from './while-working.ts'
import { commentUrl } from './words.ts'

/** What was asked and has no Run. */
export interface NotBegun {
  by: string
  moment: Moment
  /** The command as it was written, if its sender may use it. */
  words: string | undefined
  waitsFor?: 'run' | Service | undefined
  /** If it is known; ms since the epoch. */
  until?: number | undefined
  stopped?: { stop?: string; by: string } | undefined
}

export interface ThreadStanding {
  live?: Run
  beside?: Run
  last?: Run | undefined
  asked?: boolean
  /** Where the newest request was refused. */
  refused?: string | undefined
  notBegun?: readonly NotBegun[]
  now?: number
  /** The page of that Run at PostHog. */
  page?: string | undefined
}

export function standingSentence(status: ThreadStanding): string {
  const { live, beside, last, asked, refused, notBegun = [], now = 0 } = status
  const waiting = notBegun.filter(({ stopped }) => !stopped)
  const stopped = notBegun.filter(
    each => each.stopped && !live && each.moment.at >= (last?.request.at ?? 0),
  )
  const others = withoutEmpty([
    stopped.length === 0 &&
      refused &&
      `nothing came of the newest request: [the reason](${refused}).`,
    ...[...stopped, ...waiting].slice(-5).map(each => notBegunSentence(each, now)),
  ])
  const isEmpty = !live && !beside && !last && !asked
  const first = others.length > 0 && isEmpty ? [] : [runSentence(status)]
  return [...first, ...others].map((words, at) => (at === 0 ? words : begun(words))).join(' ')
}

function notBegunSentence(
  { by, words, waitsFor, until = 0, stopped }: NotBegun,
  now: number,
): string {
  const what = `${words === undefined ? 'a command' : code(words.replace(/\s+/g, ' ').trim().slice(0, 80))} by ${code(by)}`
  if (stopped) return `${what} was stopped by ${code(stopped.by)} before it began.`
  if (!waitsFor) return `${what} has not begun yet.`
  const known = until <= now ? '' : ` until ${moment(until, now)}`
  const named = { run: 'the run here', ...serviceNames }
  return `${what} waits for ${named[waitsFor]}${known}.`
}

function runSentence(standing: ThreadStanding): string {
  const { live, beside, last, asked } = standing
  if (live) return `a run is going on here: ${runInWords(live, standing)}`
  if (beside)
    return `nothing is going on here, but a run is going on in ${besideThis(beside.thread)}: ${runInWords(beside, standing)}`
  if (last) return `nothing is going on here now. The last run: ${runInWords(last, standing)}`
  return asked
    ? 'nothing is going on here now.'
    : `nobody has asked for anything here yet. \`/codex help\` shows all commands.`
}

export const besideThis = ({ number, kind }: Pick<Thread, 'number' | 'kind'>): string =>
  `#${number} (${kind === 'issue' ? 'this is its pull request' : 'the pull request of this issue'})`

const doing: Record<Exclude<Live['kind'], 'waiting'>, string> = {
  preparing: 'it is getting ready',
  starting: 'PostHog is starting it',
  working: 'Codex is working',
  stopping: 'it is being stopped',
  ending: 'it has ended, and the bot reads how',
}

const did: Record<Ending['kind'], string> = {
  pull: 'it opened a pull request',
  pushed: 'it pushed commits',
  answer: 'it answered',
  asks: 'it has a question',
  nothing: 'it said nothing',
  unfinished: 'it did not finish',
  stopped: 'it was stopped',
  failed: 'it failed',
  unstarted: 'it was not started',
}

function situationInWords(run: Run, now: number): string {
  const stands = situationOf(run)
  if (stands.kind === 'waiting')
    return `it ${waitsInWords(stands.waits, now).sentence.replace(/\.$/, '')}`
  if (stands.kind === 'ended') return did[stands.ending.kind]
  if (stands.kind === 'stopping' || stands.held?.kind !== 'question') return doing[stands.kind]
  const url = questionUrl(run)
  return `it waits for your answer${url === undefined ? '' : ` to [this question](${url})`}`
}

function runInWords(run: Run, { now = 0, page }: ThreadStanding): string {
  const pull = run.result.pulls.at(-1)
  const away = services.filter(service => retryOf(run, service) && !run.result.outcome)
  return withoutEmpty([
    `${situationInWords(run, now)}.`,
    ...away.map(service => `It waits for ${serviceNames[service]}.`),
    `${code(run.request.by.login)} asked for it.`,
    pull && `Pull request: [#${pull.number}](${pull.url}).`,
    whereToRead(run, page),
  ]).join(' ')
}

/** The status is folded away below a last word. */
function whereToRead(run: Run, page: string | undefined): string | undefined {
  const { lastWord, status } = run.report
  if (lastWord)
    return `[What Codex said](${commentUrl(run.thread, lastWord.as, lastWord.commentId)}).`
  if (status) return `[Details](${commentUrl(run.thread, 'comment', status.commentId)}).`
  return page && `[PostHog run (sign-in)](${page}).`
}
