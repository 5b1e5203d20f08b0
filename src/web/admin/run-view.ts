/** What the admin pages and `runs.json` say of a Run. */
import { fullName } from '../../core/model/thread.ts'
import { unfinished } from '../../core/record/failures.ts'
import { offerAfter } from '../../core/record/last-word.ts'
import type { Run } from '../../core/record/run.ts'
import { type Phase, phaseOf, situationOf } from '../../core/record/situation.ts'
import { stripInvisible } from '../../core/text/invisible.ts'
import { begun } from '../../core/text/phrases.ts'
import { waitsInWords } from '../../core/words/waiting.ts'

/** Scripts read it, so keep the names. Times are ISO 8601, `cost` is in US dollars. */
export function runInJson(run: Run, now: number) {
  const { pulls, ended, rounds } = run.result
  return {
    id: run.id,
    state: phaseOf(situationOf(run)),
    repository: fullName(run.thread),
    number: run.thread.number,
    by: run.request.by.login,
    /** Since when it is in this state: asked for, begun or ended. */
    since: new Date(sinceOf(run)).toISOString(),
    waitsFor: waitsFor(run, now) ?? null,
    pull: pulls.at(-1)?.url ?? null,
    cost: run.session.cost ?? null,
    /** What became of the pull request since, and how often an agent was sent to fix it. */
    pullEnd: ended ? { how: ended.how, at: new Date(ended.at).toISOString() } : null,
    rounds: (rounds?.asked ?? 0) + (rounds?.byPostHog ?? 0),
  }
}

/** ms since the epoch */
export function sinceOf({ request, schedule, session, result }: Run): number {
  if (result.outcome) return result.concludedAt ?? request.at
  if (!schedule.admitted) return request.at
  return session.began?.at ?? schedule.admissionExpectedAt ?? request.at
}

/** Says what has to happen for a Run that is not over, and by whom. */
export function waitsFor(run: Run, now: number): string | undefined {
  const stands = situationOf(run)
  if (stands.kind === 'ended') return undefined
  const { held, admitted } = stands
  if (held?.kind === 'question')
    return `${held.question.question ? 'An answer' : 'A permission'}: ${shown(held.question.title)}`
  if (held) return `The set-up: ${plain(held.why)}`
  if (admitted) return undefined
  const { waits } = run.schedule
  return begun(plain(waits ? waitsInWords(waits, now).sentence : 'waits for its turn.'))
}

/** What a page calls a state, and in which tone it shows it. */
export const states: Record<Phase, readonly [words: string, tone?: 'good' | 'warn' | 'bad']> = {
  waiting: ['Waits'],
  preparing: ['Gets ready'],
  starting: ['Starts'],
  working: ['Works', 'good'],
  stopping: ['Stops'],
  ending: ['Ends'],
  pull: ['Pull request', 'good'],
  pushed: ['Pushed', 'good'],
  answer: ['Answered', 'good'],
  asks: ['Asks', 'warn'],
  nothing: ['Said nothing'],
  unfinished: ['Not finished', 'bad'],
  stopped: ['Stopped'],
  failed: ['Failed', 'bad'],
  unstarted: ['Not started', 'bad'],
}

/** The reason of a Run's end, if there is more to say than its state. */
export function reasonOf({ result: { outcome } }: Run): string | undefined {
  switch (outcome?.kind) {
    case 'failed':
      return begun(plain(outcome.reason))
    case 'unfinished':
      return begun(unfinished[outcome.why].because)
    case 'stopped':
      return `By ${shown(outcome.by)}${outcome.because === undefined ? '' : `, who ${shown(outcome.because)}`}`
    default:
      return undefined
  }
}

export const canBeStopped = ({ result, mailbox }: Run): boolean => !result.outcome && !mailbox.stop

export const canBeRetried = ({ result: { outcome } }: Run): boolean =>
  offerAfter(outcome) !== undefined

export const titleOf = ({ baseline }: Run): string =>
  shown(baseline.snapshot.title) || 'Without a title'

/** Words of others, without what nobody sees. */
export const shown = (text: string): string => stripInvisible(text).trim()

/** Our sentences are written for GitHub. */
export const plain = (markdown: string): string =>
  shown(markdown)
    .replaceAll('`', '')
    .replace(/\[([^[\]]{1,200})\]\([^()\s]{1,500}\)/g, '$1')
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(/\.$/, '')

/** A link of a page leads nowhere else than to the web. */
export const webAddress = (url: string): string | undefined =>
  URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? url : undefined
