/** The last word: a new comment with the answer, since edits notify nobody. */
import { saidOfRemark, withoutRemarks } from '../agent/remarks.ts'
import { inlineAsked } from '../run/inline-asked.ts'
import { inlinePlace, isUndone, leavesBoxInStatus, listener, neverBegan } from '../run/last-word.ts'
import type { Outcome } from '../run/record/result-part.ts'
import type { Run } from '../run/run.ts'
import { code, spoken } from '../text/safe-markdown.ts'
import { boxesAfter } from './boxes.ts'
import { details } from './details.ts'
import {
  hasLeft,
  leftBehind,
  leftUnpublished,
  newPulls,
  nothingPublished,
  pullLink,
  resultSmall,
} from './result.ts'
import { unfinished } from './unfinished.ts'
import { warnings } from './warnings.ts'
import {
  agentLeft,
  agentWords,
  answerTo,
  branchUrl,
  commitUrl,
  type Deployment,
  ended,
  small,
  withCode,
} from './words.ts'

export function closingComment(run: Run, deployment: Deployment): string {
  if (!run.result.outcome) return ''
  const said = firstWords(run, run.result.outcome)
  return [said, ...(leavesBoxInStatus(run) ? [] : rest(run, deployment))]
    .filter(part => part !== '')
    .join('\n\n')
}

function firstWords(run: Run, outcome: Outcome): string {
  const said = saidAtTheEnd(run)
  return outcome.kind === 'answer' && said && leftUnpublished(run) === 0
    ? answerTo(listener(run), said)
    : `@${listener(run)} ${sentence(run, outcome)}`
}

const rest = (run: Run, deployment: Deployment): string[] => [
  // A list that Codex ended with would have the box as its last item.
  run.result.outcome?.kind === 'answer' && boxesAfter(run) !== '' ? '<!-- -->' : '',
  boxesAfter(run),
  warnings(run),
  details(run),
  small(resultSmall(run, deployment, 'last-word')),
]

function sentence(run: Run, outcome: Outcome): string {
  if (run.request.what === 'plan' && (outcome.kind === 'pull' || outcome.kind === 'pushed'))
    return `Codex was asked only for a plan, but ${changed(run, outcome)}. Check that first.${words(saidAtTheEnd(run))}`
  switch (outcome.kind) {
    case 'pull':
      return `the pull request is ready for you: **${pullLinks(run)}**${words(saidAtTheEnd(run))}`
    case 'pushed':
      return `done: **${commit(run, outcome.sha)}** is on ${pushedTo(run)}.${words(saidAtTheEnd(run))}`
    case 'answer':
    case 'nothing':
      if (leftUnpublished(run) > 0) return `${nothingPublished(run)}.${words(saidAtTheEnd(run))}`
      return outcome.kind === 'answer'
        ? 'Codex answered on the lines of your review.'
        : 'Codex changed nothing and said nothing.'
    case 'unfinished': {
      const { because, fix } = unfinished[outcome.why]
      return `Codex did not finish: ${because}. ${leftBehind(run)}${words(saidAtTheEnd(run))}\n\n**What to do:** ${fix}`
    }
    case 'stopped':
      return `${stoppedBy(run, outcome)} ${leftBehind(run)}`
    case 'failed':
      return `Codex ${neverBegan(run) ? 'did not start' : 'failed'}: ${ended(withCode(outcome.reason, 300))}${hasLeft(run) ? ` ${leftBehind(run)}` : ''}${run.session.agentLeft ? `\n\n${agentLeft}` : ''}\n\n**What to do:** ${outcome.fix}`
  }
}

/** Without what is said on lines of a review. */
export function saidAtTheEnd(run: Run): string | undefined {
  const { result, session } = run
  const said = session.sessionLog?.answer ?? (result.outcome?.kind === 'pull' ? session.summary : undefined)
  return said && withoutRemarks(said, inlineAsked(run).length)
}

const words = (said: string | undefined): string => (said ? `\n\n${agentWords(said)}` : '')

const commit = ({ thread }: Run, sha: string): string =>
  `[${code(sha.slice(0, 7))}](${commitUrl(thread, sha)})`

function changed(run: Run, outcome: Outcome & { kind: 'pull' | 'pushed' }): string {
  if (outcome.kind === 'pull') return `it opened ${pullLinks(run)}`
  const where = run.session.taskRun?.headBranch ?? run.workspace.branch?.name ?? ''
  return `it pushed ${code(outcome.sha.slice(0, 7))} to [${code(where)}](${branchUrl(run.thread, where)})`
}

function stoppedBy(run: Run, { by, because }: Outcome & { kind: 'stopped' }): string {
  const isReader = by === listener(run)
  if (because !== undefined) return `this run was stopped because ${isReader ? 'you' : code(by)} ${because}.`
  return isReader ? 'you stopped this run.' : `this run was stopped by ${code(by)}.`
}

export function inlineAnswer(run: Run): string {
  const { outcome } = run.result
  const asked = inlineAsked(run)[run.report.announced.inline]
  if (isUndone(outcome)) return `Not done. See ${lastWord(run)}.`
  const answer = run.session.sessionLog?.answer ?? ''
  if (asked?.by === 'comment') {
    const isAbout = run.session.taskRun?.lastMessageId === asked.messageId
    if (isAbout && outcome?.kind === 'answer') return agentWords(answer)
  } else {
    const said = saidOfRemark(answer, run.report.announced.inline + 1)
    if (said !== undefined) return spoken(said, maxOfRemark)
  }
  if (outcome?.kind === 'pushed') return `See ${commit(run, outcome.sha)}.`
  return outcome?.kind === 'pull' ? `See ${pullLinks(run)}.` : `See ${lastWord(run)}.`
}

function lastWord(run: Run): string {
  const place = inlinePlace(run)
  return place
    ? `[the answer where this began](${run.thread.url}#discussion_r${place.rootId})`
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
