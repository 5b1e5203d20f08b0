/** The last word of a Run: one short new comment, since edits notify nobody. */
import type { Outcome, Run } from '../run/run.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { agentLeft, agentWords, branchUrl } from './words.ts'

export const closingComment = (run: Run): string =>
  run.outcome ? `@${listener(run)} ${sentence(run, run.outcome)}` : ''

function sentence(run: Run, outcome: Outcome): string {
  if (run.ask.what === 'plan' && (outcome.is === 'pull' || outcome.is === 'pushed'))
    return `here is the plan, but Codex did not keep to reading: ${changed(run, outcome)}. Look at that before you go on.${answer(run)}`
  switch (outcome.is) {
    case 'pull':
      return `the pull request is ready for you: ${pullLinks(run)}`
    case 'pushed':
      return `done: ${code(outcome.sha.slice(0, 7))} is on ${pushedTo(run)}.${answer(run)}`
    case 'answer':
      return `${run.ask.what === 'plan' ? 'here is the plan. `/codex approve` carries it out.' : 'here is the answer.'}${answer(run)}`
    case 'nothing':
      return 'Codex finished without changing anything and said nothing about it. Say more with `/codex <more>`.'
    case 'stopped':
      return `${stoppedBy(run, outcome)} ${leftBehind(run)}`
    case 'failed':
      return `this run failed. ${inlineWords(outcome.reason, 300)}${run.agentLeft ? `\n\n${agentLeft}` : ''}\n\n**What to do:** ${outcome.fix}`
  }
}

/** What came of a plan that should have changed nothing. */
function changed(run: Run, outcome: Outcome & { is: 'pull' | 'pushed' }): string {
  if (outcome.is === 'pull') return `it opened ${pullLinks(run)}`
  const where = run.taskRun?.headBranch ?? run.branch?.name ?? ''
  return `it pushed ${code(outcome.sha.slice(0, 7))} to [${code(where)}](${branchUrl(run.thread, where)})`
}

function stoppedBy(run: Run, { by, because }: Outcome & { is: 'stopped' }): string {
  const who = by === listener(run) ? 'you' : inlineWords(by, 60)
  return because === undefined ? `${who} stopped this run.` : `this run was stopped, since ${who} ${because}.`
}

const listener = (run: Run): string => run.answerTo ?? run.ask.by.login

/** In the thread of an inline comment: where the answer to it is. */
export function inlineAnswer(run: Run): string {
  switch (run.outcome?.is) {
    case 'pushed':
      return `Done in ${code(run.outcome.sha.slice(0, 7))}.`
    case 'pull':
      return `Done in ${pullLinks(run)}.`
    case 'failed':
    case 'stopped':
      return 'Not done: see the last comment of this pull request.'
    default:
      return 'Answered in the last comment of this pull request.'
  }
}

const pullLinks = (run: Run): string =>
  run.pulls
    .slice(Math.min(run.reported, Math.max(0, run.pulls.length - 1)))
    .map(pull => `[#${pull.number} ${inlineWords(pull.title, 100)}](${pull.url})`)
    .join(', ')

function pushedTo(run: Run): string {
  if (run.thread.kind === 'pull') return 'this pull request'
  const pull = run.pulls.findLast(({ state }) => state === 'open')
  return pull ? `[#${pull.number}](${pull.url})` : code(run.branch?.name ?? '')
}

function answer(run: Run): string {
  const words = run.heard?.answer
  return words ? `\n\n${agentWords(words)}` : ''
}

/** What a stop leaves: pull requests, commits, an empty branch, or nothing at all. */
function leftBehind(run: Run): string {
  const pulls = run.pulls.filter(pull => pull.state === 'open')
  if (pulls.length > 0)
    return `Left behind: ${pulls.map(pull => `[#${pull.number}](${pull.url})`).join(', ')}.`
  if (run.pushed && run.branch)
    return `Left behind: commits up to ${code(run.pushed.slice(0, 7))} on [${code(run.branch.name)}](${branchUrl(run.thread, run.branch.name)}).`
  return 'Nothing is left behind.'
}
