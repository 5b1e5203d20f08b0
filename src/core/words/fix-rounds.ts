/** `--until-green`: which round of fixing this is, whether Codex goes on after it, and why it does not go on any more. */
import { pullToWatch } from '../record/pull-end.ts'
import type { Outcome, Rounds, Run, Waits } from '../record/run.ts'
import { begun, counted, moment } from '../text/phrases.ts'
import { code } from '../text/safe-markdown.ts'
import { pauseSentence } from './waiting.ts'
import { withCode } from './words.ts'

export type EndOfFollowing =
  | { kind: 'green'; passed: number }
  | { kind: 'no-checks' }
  /** The pull request, or the issue. */
  | { kind: 'closed' }
  | { kind: 'late'; running: number }
  | ({ kind: 'rounds'; most: number } & Rounds)
  | { kind: 'held'; waits: Waits & { kind: 'pause' | 'until' }; now: number }
  | { kind: 'stopped'; by: string }

export function endOfFollowing({ pull, end }: { pull: number; end: EndOfFollowing }): string {
  switch (end.kind) {
    case 'green':
      return `#${pull} is green: ${counted(end.passed, 'check')} passed, and none failed.`
    case 'no-checks':
      return `the bot sees no checks of #${pull}, so there is nothing to wait for.`
    case 'closed':
      return `Codex does not wait for the checks of #${pull} any more, because it was closed or merged.`
    case 'late':
      return `${counted(end.running, 'check')} of #${pull} did not end within a day, so Codex does not wait any more.`
    case 'rounds':
      return `checks of #${pull} fail. An agent was sent ${counted(end.asked + end.byPostHog, 'time')} to fix it, and the limit is ${end.most}, so Codex does not go on. Write \`/codex\` and what to do, or \`/codex --force fix\`.`
    case 'held':
      return `checks of #${pull} fail, but Codex does not go on by itself. ${heldBy(end)} Write \`/codex fix --until-green\` when Codex may start again.`
    case 'stopped':
      return `${code(end.by)} stopped this, so Codex does not go on until #${pull} is green.`
  }
}

const heldBy = ({ waits, now }: EndOfFollowing & { kind: 'held' }): string =>
  waits.kind === 'pause'
    ? pauseSentence(waits, now)
    : `${begun(withCode(waits.limit, 300))}. There is room at ${moment(waits.at, now)}.`

/** In a status and in a last word. */
export function roundLine(run: Run): string {
  const { options, round } = run.request
  const { outcome } = run.result
  if (!options.untilGreen) return ''
  const name = round ? `**Round ${round.at} of ${round.of}**` : '**Until green**'
  if (!outcome) return `🔁 ${name}: Codex goes on by itself while checks of the pull request fail.`
  if (pullToWatch(run) === undefined) return `🔁 ${name} ${without[outcome.kind]}, so Codex does not go on.`
  return round && round.at >= round.of
    ? `🔁 ${name}, the last one. Its checks are waited for, and how they end is told here.`
    : `🔁 ${name}: if checks fail now, Codex goes on by itself. \`/codex stop\` ends that.`
}

const without: Record<Outcome['kind'], string> = {
  pull: 'left no open pull request',
  pushed: 'left no open pull request',
  answer: 'changed nothing',
  nothing: 'changed nothing',
  unfinished: 'was not finished',
  stopped: 'was stopped',
  failed: 'failed',
}
