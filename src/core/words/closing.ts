/** The last word: a new comment with the answer, since edits notify nobody. */
import { type Finding, reviewWordsIn } from '../agent/findings.ts'
import { botAdmin } from '../model/thread.ts'
import type { Pull } from '../model/views.ts'
import { unfinished } from '../record/failures.ts'
import {
  addressees,
  endsInReview,
  endToTell,
  isUndone,
  leavesBoxInStatus,
  offerOf,
  resumeId,
} from '../record/last-word.ts'
import { inTaskRun, wasSent } from '../record/ledger.ts'
import { inlineAsked, inlinePlace, lineAnswersIn, pullsSaid } from '../record/open-question.ts'
import { newPulls } from '../record/pull-end.ts'
import { isReadOnly, type What } from '../record/request-part.ts'
import type { Outcome, Run, Stray } from '../record/run.ts'
import { type Ending, endingOf } from '../record/situation.ts'
import { isAnswered } from '../record/turn.ts'
import { begun, counted, ended, paragraphs, withoutEmpty } from '../text/phrases.ts'
import { code, inlineWords, quoted, spoken } from '../text/safe-markdown.ts'
import { boxesAfter, details } from './details.ts'
import { pullLine, resultSmall } from './small-line.ts'
import { warnings } from './warnings.ts'
import { lastWordNews } from './what-it-needs.ts'
import * as words from './words.ts'

/** @param findings of a review, which stand on no line */
export function closingComment(
  run: Run,
  deployment: words.Deployment,
  findings: readonly Finding[] = [],
): string {
  const { outcome } = run.result
  if (!outcome) return ''
  const ending = endingOf(run, outcome)
  const said = saidAtTheEnd(run)
  const found = findings.map(
    ({ path, line, body }) =>
      `- ${code(path)}${line ? `, line ${line}` : ''}: ${inlineWords(body, 1_000)}`,
  )
  const rest = leavesBoxInStatus(run)
    ? []
    : [
        // A list that Codex ended with would have the box as its last item.
        outcome.kind === 'answer' && boxesAfter(run) !== '' ? '<!-- -->' : '',
        boxesAfter(run),
        files(run, deployment),
        warnings(run),
        details(run),
      ]
  return paragraphs([
    strayLines(run),
    lastWordNews(run),
    ending.kind === 'answer' && said
      ? words.answerTo(addressees(run), words.agentWords(said, run, deployment))
      : `${words.mentions(addressees(run))} ${endSentence(run, ending, wordsBelow(run, deployment))}`,
    found.join('\n'),
    ...rest,
    words.small(resultSmall(run, deployment, 'last-word')),
  ])
}

/** What nobody asked for comes first of all, and what its agent says that is not so. */
export function strayLines(run: Run): string {
  const { strays, outcome, pulls } = run.result
  const unknown = pullsSaid(run).filter(
    number => number !== run.thread.number && pulls.every(pull => pull.number !== number),
  )
  return [
    ...strays.map(
      stray => `⚠️ ${strayWords[stray.kind](code(stray.branch), strayCommits(run, stray))}.`,
    ),
    ...(outcome?.kind === 'pull' || outcome?.kind === 'pushed' ? unknown : []).map(
      number =>
        `⚠️ Codex says that it opened ${code(`#${number}`)}, but that is no pull request of this run.`,
    ),
  ].join('\n')
}

const strayCommits = (run: Run, { commits }: Stray): string =>
  commits.map(sha => commit(run, sha)).join(', ')

const strayWords: Record<Stray['kind'], (branch: string, commits: string) => string> = {
  straight: (branch, commits) => `Codex pushed ${commits} straight to ${branch}`,
  dropped: (branch, commits) =>
    `Since a force push, ${branch} no longer has commits by others: ${commits}`,
  left: (branch, commits) => `Codex pushed ${commits} to ${branch}, and no pull request shows it`,
  unclaimed: (branch, commits) =>
    `${branch} got ${commits} by PostHog’s App; whose it is, is not known`,
}

export function files(run: Run, deployment: words.Deployment): string {
  const { files: made = [] } = run.session.taskRun ?? {}
  return made.length === 0
    ? ''
    : `📎 Codex made ${words.fileList(made, 10)}. They are at [PostHog](${words.runUrl(run, deployment)}), which needs a login.`
}

/** @param below what its agent said */
function endSentence(run: Run, ending: Ending, below: string): string {
  const wrong = changeOfReader(run, ending)
  if (wrong)
    return `Codex was asked only for ${wantedWords[run.request.what]}, but ${whatItChanged(run, wrong)}. Check that first.${withoutPull(run, wrong)}${below}`
  switch (ending.kind) {
    case 'pull':
      return `${pullsSentence(run)}${below}`
    case 'pushed': {
      const facts = checksOf(run, shownIn(run) ?? run.thread)
      return `done: **${commit(run, ending.sha)}** is on ${pushedTo(run)}${facts && ` (${facts})`}.${below}`
    }
    case 'asks':
      return `Codex has a question. Answer with \`/codex …\`.${below}`
    case 'answer':
    case 'nothing':
      if (endsInReview(run)) return 'Codex reviewed this pull request.'
      if (ending.kind === 'answer') return 'Codex answered on the lines of your review.'
      return isAnswered(run)
        ? 'Codex finished without a word.'
        : `Codex finished. PostHog kept none of its last words.${below}`
    case 'unfinished': {
      const { because, fix } = unfinished[ending.why]
      const end = inOneLine(`Codex did not finish: ${because}.`, inVain(run), leftBehind(run))
      return `${end}${below}${whatToDo(run, fix)}`
    }
    case 'stopped': {
      const isReader = addressees(run).every(login => login === ending.by)
      return inOneLine(`${stopSentence(ending, isReader ? 'you' : undefined)}.`, leftBehind(run))
    }
    case 'unstarted':
      return `not started: ${whyNotStarted(run, ending.outcome)}`
    case 'failed': {
      const reason = ended(words.withCode(ending.reason, 300))
      const end = inOneLine(`Codex failed: ${reason}`, inVain(run), leftBehind(run))
      const left = run.session.agentLeft ? words.agentLeftSentence : ''
      return `${paragraphs([end, left])}${whatToDo(run, ending.fix)}`
    }
  }
}

const inOneLine = (...all: readonly string[]): string => withoutEmpty(all).join(' ')

/** Somebody may have merged or closed them before the last word. */
function pullsSentence(run: Run): string {
  // Right after the last word it is marked as ready, where the settings want that.
  const { draft: staysDraft } = run.baseline.settings.pull_request
  const pulls = newPulls(run).map(pull => ({ ...pull, draft: pull.draft && staysDraft }))
  const [only] = pulls
  if (pulls.length === 1 && only) {
    const became = {
      open: '',
      merged: ', which was merged',
      closed: ', which was closed without a merge',
    }
    const end = endToTell(run) ? '' : became[only.state]
    const what = `${words.shownPullState(only) === 'draft' ? 'draft ' : ''}**${words.pullLink(only)}**${end}`
    return [`Codex opened ${what}`, ...factsOf(run, only)].join(' · ')
  }
  const list = pulls
    .map(pull =>
      [`1. **${words.pullLink(pull)}**`, words.shownPullState(pull), ...factsOf(run, pull)].join(
        ' · ',
      ),
    )
    .join('\n')
  return `Codex opened ${counted(pulls.length, 'pull request')}:\n\n${list}`
}

/** What was seen of it last: all of it was made by the run. */
function factsOf(run: Run, pull: Pull): string[] {
  const { looked } = run.result
  const size = looked?.number === pull.number ? (looked.size ?? pull.size) : pull.size
  const { branch } = run.workspace
  const isElsewhere = branch && pull.base !== branch.into && pull.base !== branch.name
  return withoutEmpty([
    isElsewhere && `into ${code(pull.base)}, not ${code(branch.into)}`,
    size && `${counted(size.files, 'file')}, +${size.additions} −${size.deletions}`,
    checksOf(run, pull),
  ])
}

/** When it is over, it no longer matters how its checks stood. */
function checksOf(
  { result }: Run,
  { number, state = 'open' }: Pick<Pull, 'number'> & Partial<Pick<Pull, 'state'>>,
): string {
  const { looked, ended: end } = result
  const isOpen = state === 'open' && end === undefined && looked?.number === number
  const counts = isOpen ? (['failed', 'passed', 'running'] as const) : []
  const known = counts.flatMap(each =>
    looked?.checks?.[each] ? [`${looked.checks[each]} ${each}`] : [],
  )
  return known.length > 0 ? `checks: ${known.join(', ')}` : ''
}

function inVain(run: Run): string {
  const hadIt = run.mailbox.words.every(word => word.id !== resumeId(run) || wasSent(word))
  return run.result.resumed && run.session.taskRun && hadIt
    ? 'It had been resumed once already.'
    : ''
}

/** The answer, without what is said on lines of a review. */
export function saidAtTheEnd(run: Run): string | undefined {
  const { result, session } = run
  if (endsInReview(run)) return reviewWordsIn(session.sessionLog?.answer ?? '').text
  return lineAnswersIn(run).text ?? (result.outcome?.kind === 'pull' ? session.summary : undefined)
}

/** Words that were not its last are quoted: what it was about to do is no promise of ours. */
function wordsBelow(run: Run, deployment: words.Deployment): string {
  const said = saidAtTheEnd(run)
  if (!said) return ''
  const { kind } = run.result.outcome ?? {}
  if (kind !== 'unfinished' && kind !== 'nothing')
    return `\n\n${words.agentWords(said, run, deployment)}`
  const which = kind === 'nothing' ? 'Before, it said' : 'Codex’s last words'
  return `\n\n${which}:\n\n${quoted(said, 1_000, { between: words.betweenEnds(run, deployment) })}`
}

const commit = ({ thread }: Run, sha: string): string =>
  `[${code(sha.slice(0, 7))}](${words.commitUrl(thread, sha)})`

function whatItChanged(run: Run, outcome: Outcome & { kind: 'pull' | 'pushed' }): string {
  if (outcome.kind === 'pull') return `it opened ${pullLinks(run)}`
  return `it pushed ${commit(run, outcome.sha)} to ${pushedTo(run)}`
}

function stopSentence({ by, because }: Outcome & { kind: 'stopped' }, who = personIn(by)): string {
  if (because !== undefined) return `stopped: ${who} ${because}`
  return who === 'you' ? 'you stopped this run' : `stopped by ${who}`
}

function whyNotStarted(run: Run, outcome: Outcome & { kind: 'failed' | 'stopped' }): string {
  if (outcome.kind === 'stopped') return `${personIn(outcome.by)} ${outcome.because}.`
  return `${ended(words.withCode(outcome.reason, 300))}${whatToDo(run, outcome.fix)}`
}

/** The box below says itself what it does. On a line there is none: there stands the command. */
function whatToDo(run: Run, fix: string | undefined): string {
  const offer = leavesBoxInStatus(run) ? offerOf(run) : undefined
  const advice =
    fix || (offer && `\`/codex ${offer}\` ${offer === 'retry' ? 'tries again' : 'goes on'}.`)
  return advice ? `\n\n**What to do:** ${advice}` : ''
}

const personIn = (login: string): string => (login === botAdmin.login ? login : code(login))

export function inlineAnswer(run: Run, deployment: words.Deployment): string {
  const { outcome } = run.result
  const asked = inlineAsked(run)[run.report.inlineAnswered]
  if (isUndone(outcome)) return `Not done. See ${lastWord(run)}.`
  const { text: answer = '', lineAnswers } = lineAnswersIn(run)
  const inRepository = { repository: words.repoUrl(run.thread) }
  const lineAnswer = lineAnswers.find(({ id }) => id === asked?.commentId)
  if (lineAnswer) {
    const said = spoken(lineAnswer.said, maxOfRemark, inRepository)
    const isFixed =
      outcome?.kind === 'pushed' &&
      run.result.fixed?.comments.some(({ id }) => id === lineAnswer.id)
    return isFixed ? `Fixed in ${commit(run, outcome.sha)}.\n\n${said}` : said
  }
  if (asked?.by === 'comment') {
    const isAbout = inTaskRun(run).at(-1)?.id === asked.messageId
    if (isAbout && outcome?.kind === 'answer') return words.agentWords(answer, run, deployment)
  }
  if (outcome?.kind === 'pushed') return `See ${commit(run, outcome.sha)}.`
  return outcome?.kind === 'pull' ? `See ${pullLinks(run)}.` : `See ${lastWord(run)}.`
}

function lastWord(run: Run): string {
  const place = inlinePlace(run)
  return place
    ? `[the answer where this began](${words.commentUrl(run.thread, 'inline', place.rootId)})`
    : 'the last comment of this pull request'
}

const maxOfRemark = 1_000

const pullLinks = (run: Run): string => newPulls(run).map(words.pullLink).join(', ')

/** The record of a restored Run does not say it. */
const shownIn = ({ thread, result: { shownIn: pull, pulls } }: Run) =>
  pull ?? (thread.kind === 'pull' ? thread : pulls.findLast(({ state }) => state === 'open'))

function pushedTo(run: Run): string {
  const { thread, workspace, result } = run
  const pull = shownIn(run)
  if (pull && result.pushedBranch === undefined)
    return pull.number === thread.number ? 'this pull request' : `[#${pull.number}](${pull.url})`
  const branch = result.pushedBranch ?? workspace.branch?.name ?? ''
  return `[${code(branch)}](${words.branchUrl(thread, branch)})`
}

function heading(run: Run, ending: Ending): string {
  switch (ending.kind) {
    case 'pull':
      return `🚀 ${pullLinks(run)}`
    case 'pushed':
      return `🚀 Codex pushed ${commit(run, ending.sha)} to ${pushedTo(run)}`
    case 'answer':
      return {
        work: '💬 Codex answered',
        plan: '📋 Codex has a plan',
        review: '🔎 Codex reviewed this',
        ask: '💬 Codex answered',
      }[run.request.what]
    case 'asks':
      return '❓ Codex has a question'
    case 'nothing':
      return '💬 Codex finished'
    case 'unfinished':
      return '⚠️ Codex did not finish'
    case 'stopped':
      return '⏹️ Codex was stopped'
    case 'unstarted':
      return '👎 Not started'
    case 'failed':
      return '😕 Codex failed'
  }
}

export function resultHeading(run: Run): string {
  const { outcome } = run.result
  if (!outcome) return ''
  return changeOfReader(run, outcome)
    ? `⚠️ ${run.request.what === 'ask' ? 'Codex answered' : `Codex has ${wantedWords[run.request.what]}`}, but it also changed something`
    : heading(run, endingOf(run, outcome))
}

const wantedWords: Record<What, string> = {
  work: 'work',
  plan: 'a plan',
  review: 'a review',
  ask: 'an answer',
}

/**
 * The bot opens no pull request for what the agent should not have pushed, so there is one only if it was there before.
 */
const withoutPull = (run: Run, { kind }: Outcome): string =>
  kind === 'pull' ||
  run.thread.kind === 'pull' ||
  run.result.pulls.some(({ state }) => state === 'open')
    ? ''
    : ' The bot opened no pull request for it.'

/** It was only to read, and changed something all the same. */
const changeOfReader = ({ request }: Run, outcome: Ending) =>
  isReadOnly(request.what) && (outcome.kind === 'pull' || outcome.kind === 'pushed')
    ? outcome
    : undefined

export function resultLines(run: Run): string[] {
  const { outcome, pulls } = run.result
  if (outcome?.kind === 'failed') {
    const failed = `❌ ${begun(ended(words.withCode(outcome.reason, 300)))}`
    return [run.session.agentLeft ? `${failed}\n⚠️ ${words.agentLeftSentence}` : failed]
  }
  if (outcome?.kind === 'unfinished')
    return [inOneLine(`${begun(unfinished[outcome.why].because)}.`, leftBehind(run))]
  if (outcome?.kind === 'stopped')
    return [inOneLine(`${begun(stopSentence(outcome))}.`, leftBehind(run))]
  return pulls.length > 1
    ? [pulls.map(pull => `${words.pullLink(pull)} · ${pullLine(pull)}`).join('\n')]
    : []
}

function leftBehind(run: Run): string {
  const { pulls, pushed } = run.result
  const open = pulls.filter(({ state }) => state === 'open')
  if (open.length > 0)
    return `It had opened ${open.map(pull => `[#${pull.number}](${pull.url})`).join(', ')}.`
  return pushed ? `It had pushed commits up to ${commit(run, pushed)} to ${pushedTo(run)}.` : ''
}
