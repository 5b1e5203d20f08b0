/** The last word: a new comment with the answer, since edits notify nobody. */
import { saidOfRemark } from '../agent/remarks.ts'
import { inlineAsked } from '../run/inline-asked.ts'
import { inlinePlace, leavesBoxInStatus, listener } from '../run/last-word.ts'
import type { Outcome } from '../run/record/result-part.ts'
import type { Run } from '../run/run.ts'
import { code, inlineWords, quoted } from '../text/safe-markdown.ts'
import { boxesAfter } from './boxes.ts'
import { details } from './details.ts'
import { leftBehind, newPulls, pullLink, resultSmall } from './result.ts'
import { warnings } from './warnings.ts'
import { agentLeft, agentWords, asSentence, branchUrl, commitUrl, type Deployment, small } from './words.ts'

export function closingComment(run: Run, deployment: Deployment): string {
  if (!run.result.outcome) return ''
  const said = `@${listener(run)} ${sentence(run, run.result.outcome)}`
  return [said, ...(leavesBoxInStatus(run) ? [] : rest(run, deployment))]
    .filter(part => part !== '')
    .join('\n\n')
}

const rest = (run: Run, deployment: Deployment): string[] => [
  boxesAfter(run),
  warnings(run),
  details(run),
  small(resultSmall(run, deployment, 'last-word')),
]

function sentence(run: Run, outcome: Outcome): string {
  if (run.request.what === 'plan' && (outcome.kind === 'pull' || outcome.kind === 'pushed'))
    return `here is the plan, but Codex did not keep to reading: ${changed(run, outcome)}. Look at that before you go on.${words(run.session.sessionLog?.answer)}`
  switch (outcome.kind) {
    case 'pull':
      return `the pull request is ready for you: **${pullLinks(run)}**${words(saidAtTheEnd(run))}`
    case 'pushed':
      return `done: **${commit(run, outcome.sha)}** is on ${pushedTo(run)}.${words(run.session.sessionLog?.answer)}`
    case 'answer':
      return `${run.request.what === 'plan' ? 'here is the plan.' : 'here is the answer.'}${words(run.session.sessionLog?.answer)}`
    case 'nothing':
      return 'Codex finished without changing anything and said nothing about it.'
    case 'stopped':
      return `${stoppedBy(run, outcome)} ${leftBehind(run)}`
    case 'failed':
      return `this run failed. ${asSentence(inlineWords(outcome.reason, 300))}${run.session.agentLeft ? `\n\n${agentLeft}` : ''}\n\n**What to do:** ${outcome.fix}`
  }
}

export const saidAtTheEnd = ({ result, session }: Run): string | undefined =>
  (result.outcome?.kind === 'pull' ? session.summary : undefined) ?? session.sessionLog?.answer

const words = (said: string | undefined): string => (said ? `\n\n${agentWords(said)}` : '')

const commit = ({ thread }: Run, sha: string): string =>
  `[${code(sha.slice(0, 7))}](${commitUrl(thread, sha)})`

function changed(run: Run, outcome: Outcome & { kind: 'pull' | 'pushed' }): string {
  if (outcome.kind === 'pull') return `it opened ${pullLinks(run)}`
  const where = run.session.taskRun?.headBranch ?? run.workspace.branch?.name ?? ''
  return `it pushed ${code(outcome.sha.slice(0, 7))} to [${code(where)}](${branchUrl(run.thread, where)})`
}

function stoppedBy(run: Run, { by, because }: Outcome & { kind: 'stopped' }): string {
  const who = by === listener(run) ? 'you' : inlineWords(by, 60)
  return because === undefined ? `${who} stopped this run.` : `this run was stopped, since ${who} ${because}.`
}

export function inlineAnswer(run: Run): string {
  const { outcome } = run.result
  const asked = inlineAsked(run)[run.report.announced.inline]
  if (outcome?.kind === 'failed' || outcome?.kind === 'stopped') return `Not done: see ${lastWord(run)}.`
  const answer = run.session.sessionLog?.answer ?? ''
  if (asked?.by === 'comment') {
    const isAbout = run.session.taskRun?.lastMessageId === asked.messageId
    if (isAbout && outcome?.kind === 'answer') return agentWords(answer)
  } else {
    const said = saidOfRemark(answer, run.report.announced.inline + 1)
    if (said !== undefined) return quoted(said, maxOfRemark)
  }
  if (outcome?.kind === 'pushed') return `See ${commit(run, outcome.sha)}.`
  return outcome?.kind === 'pull' ? `See ${pullLinks(run)}.` : `See ${lastWord(run)}.`
}

function lastWord(run: Run): string {
  const place = inlinePlace(run)
  return place
    ? `[what was said where this began](${run.thread.url}#discussion_r${place.rootId})`
    : 'the last comment of this pull request'
}

const maxOfRemark = 1_000

const pullLinks = (run: Run): string => newPulls(run).map(pullLink).join(', ')

function pushedTo(run: Run): string {
  if (run.result.pushedBranch !== undefined) return code(run.result.pushedBranch)
  if (run.thread.kind === 'pull') return 'this pull request'
  const pull = run.result.pulls.findLast(({ state }) => state === 'open')
  return pull ? `[#${pull.number}](${pull.url})` : code(run.workspace.branch?.name ?? '')
}
