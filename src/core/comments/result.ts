import { endsQuietly, isUndone, listener, neverBegan, staysInStatus } from '../run/last-word.ts'
import type { Outcome, Pull } from '../run/record/result-part.ts'
import type { Run } from '../run/run.ts'
import { limits } from '../run/timing.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { unfinished } from './unfinished.ts'
import { briefly, session } from './while-working.ts'
import {
  agentLeft,
  asSentence,
  begun,
  branchUrl,
  commitUrl,
  counted,
  type Deployment,
  exactly,
  withCode,
} from './words.ts'

const headings: Record<Outcome['kind'], (run: Run) => string> = {
  pull: run => `🚀 ${newPulls(run).map(pullLink).join(', ')}`,
  pushed: run => `🚀 Codex pushed ${pushedCommit(run)} to ${pushedWhere(run)}`,
  answer: run =>
    run.request.what === 'plan' ? '📋 Codex has a plan' : unlessUnpublished(run, '💬 Codex answered'),
  nothing: run => unlessUnpublished(run, '💬 Codex changed nothing'),
  unfinished: () => '⚠️ Codex did not finish',
  stopped: () => '⏹️ Codex was stopped',
  failed: run => (neverBegan(run) ? '👎 Not started' : '😕 Codex failed'),
}

export function resultHeading(run: Run): string {
  if (!run.result.outcome) return ''
  return changedBesidePlan(run)
    ? '⚠️ Codex has a plan, but it also changed something'
    : headings[run.result.outcome.kind](run)
}

/** Files that the agent changed in this round, of which nothing is on GitHub. */
export const leftUnpublished = ({ request, result: { outcome }, session: { sessionLog } }: Run): number =>
  request.what === 'work' && (outcome?.kind === 'answer' || outcome?.kind === 'nothing')
    ? (sessionLog?.activity?.files.length ?? 0)
    : 0

const unlessUnpublished = (run: Run, heading: string): string =>
  leftUnpublished(run) > 0 ? `⚠️ ${begun(nothingPublished(run))}` : heading

export const nothingPublished = (run: Run): string =>
  `no commit or pull request came of this, though Codex changed ${counted(leftUnpublished(run), 'file')}`

const changedBesidePlan = ({ request, result: { outcome } }: Run): boolean =>
  request.what === 'plan' && (outcome?.kind === 'pull' || outcome?.kind === 'pushed')

export const newPulls = ({ result: { pulls, reported } }: Run): Pull[] =>
  pulls.slice(Math.min(reported, Math.max(0, pulls.length - 1)))

export const pullLink = ({ number, title, url }: Pull): string =>
  `[#${number} ${inlineWords(title, 100)}](${url})`

function pushedCommit({ thread, result: { pushed } }: Run): string {
  return pushed === undefined ? 'its commits' : `[${code(pushed.slice(0, 7))}](${commitUrl(thread, pushed)})`
}

function pushedWhere(run: Run): string {
  if (run.result.pushedBranch !== undefined) return code(run.result.pushedBranch)
  if (run.thread.kind === 'pull') return 'this pull request'
  const open = run.result.pulls.filter(({ state }) => state === 'open')
  return open.length > 0
    ? open.map(({ number }) => `#${number}`).join(', ')
    : code(run.workspace.branch?.name ?? '')
}

export function resultLines(run: Run): string[] {
  const { outcome } = run.result
  if (outcome?.kind === 'failed') return failureLines(run, outcome)
  if (outcome?.kind === 'unfinished') {
    const { because, fix } = unfinished[outcome.why]
    return [`${begun(because)}. ${leftBehind(run)}`, endsQuietly(run) ? `**What to do:** ${fix}` : '']
  }
  if (outcome?.kind === 'stopped') return [`${stoppedBy(outcome)} ${leftBehind(run)}`]
  return run.result.pulls.length > 1 ? [run.result.pulls.map(pullLine).join('\n')] : []
}

const pullLine = (pull: Pull): string => `${pullLink(pull)} · ${stateOf(pull)}`

function failureLines(run: Run, { reason, fix }: Outcome & { kind: 'failed' }): string[] {
  const lines = [
    `❌ ${asSentence(withCode(reason, 300))}`,
    ...(run.session.agentLeft ? [`⚠️ ${agentLeft}`] : []),
  ]
  return [lines.join('\n'), endsQuietly(run) ? `**What to do:** ${fix}` : '']
}

const stoppedBy = ({ by, because }: Outcome & { kind: 'stopped' }): string =>
  because ? `Stopped because ${code(by)} ${because}.` : `Stopped by ${code(by)}.`

export const hasLeft = ({ result: { pulls, pushed } }: Run): boolean =>
  pushed !== undefined || pulls.some(({ state }) => state === 'open')

export function leftBehind(run: Run): string {
  const pulls = run.result.pulls.filter(pull => pull.state === 'open')
  if (pulls.length > 0)
    return `It had opened ${pulls.map(pull => `[#${pull.number}](${pull.url})`).join(', ')}.`
  const branch = run.result.pushedBranch ?? run.workspace.branch?.name
  if (run.result.pushed && branch !== undefined)
    return `It had pushed commits up to ${code(run.result.pushed.slice(0, 7))} to [${code(branch)}](${branchUrl(run.thread, branch)}).`
  return 'Nothing was pushed.'
}

const stateOf = ({ state, draft, head, base }: Pull): string =>
  `${state === 'open' && draft ? 'draft' : state}, ${code(head)} → ${code(base)}`

/** What may change later is left out of the last word, which is never edited. */
export function resultSmall(run: Run, deployment: Deployment, where: 'status' | 'last-word'): string[] {
  const requester = run.request.by.login
  const isLast = where === 'last-word' || staysInStatus(run)
  const [pull] = run.result.pulls.length === 1 && where === 'status' ? run.result.pulls : []
  return [
    briefly(run),
    ...(where === 'last-word' && requester === listener(run) ? [] : [inlineWords(requester, 60)]),
    ...duration(run),
    ...(isLast && run.session.cost ? [costOf(run, run.session.cost)] : []),
    ...session(run, deployment),
    ...(pull ? [stateOf(pull)] : []),
    ...(isLast ? nextWords(run) : []),
  ]
}

/** What it waited for before the agent began is no work. */
function duration(run: Run): string[] {
  const {
    result: { concludedAt, round },
    schedule: { admissionExpectedAt = run.request.at, enteredAt = admissionExpectedAt },
    mailbox: { lastWordsAt = enteredAt },
    session: { began },
  } = run
  if (concludedAt === undefined) return []
  const [asked, admitted] = round === 0 ? [enteredAt, admissionExpectedAt] : [lastWordsAt, lastWordsAt]
  const from = neverBegan(run) ? concludedAt : began?.round === round ? began.at : admitted
  const waited = from - asked >= limits.worthTelling ? [`waited ${exactly(from - asked)}`] : []
  if (neverBegan(run)) return waited
  const worked = exactly(concludedAt - from)
  return [[...waited, ...(waited.length > 0 ? [`worked ${worked}`] : [worked])].join(', ')]
}

/** PostHog's cost is that of a task, which several runs may share. */
const costOf = ({ session: { taskMade }, result: { round } }: Run, cost: number): string =>
  `$${cost.toFixed(2)}${taskMade && round === 0 ? '' : ' in all'}`

function nextWords({ result: { outcome }, request }: Run): string[] {
  if (isUndone(outcome)) return []
  return request.what === 'plan'
    ? ['reply `/codex plan …` to change the plan']
    : ['reply `/codex …` to continue']
}
