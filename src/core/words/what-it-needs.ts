/** What the pull request of a Run needs after the last word, as its status says it. */
import type { PullNeeds } from '../model/views.ts'
import { isAtCap } from '../record/pull-end.ts'
import type { Run } from '../record/run.ts'
import { counted, dayAndTime, withoutEmpty } from '../text/phrases.ts'
import { code, inlineWords, quoted } from '../text/safe-markdown.ts'
import { boxFor, pullLink, some } from './words.ts'

/** The thread itself, if it is none that the Run opened. */
export function pullName({ result: { pulls } }: Run, number: number): string {
  const pull = pulls.find(known => known.number === number)
  return pull ? pullLink(pull) : 'This pull request'
}

const maxShown = 5

export function needsLines({ result: { needs } }: Run): string {
  if (!needs) return ''
  const { failedChecks, hasConflicts, changesRequestedBy, unresolved } = needs
  const open = unresolved.filter(({ by }) => by === undefined)
  const bots = [...new Set(unresolved.flatMap(({ by }) => by ?? []))]
  return withoutEmpty([
    failedChecks.length > 0 &&
      `❌ ${counted(failedChecks.length, 'check')} failed: ${some(failedChecks.map(checkLink), maxShown)}`,
    hasConflicts && '🔀 It has conflicts with its base branch',
    changesRequestedBy.length > 0 &&
      `✋ Changes requested by ${some(changesRequestedBy.map(code), maxShown)}`,
    open.length > 0 && `💬 ${counted(open.length, 'open comment')}: ${linesLeftOpen(open)}`,
    ...bots.map(bot => {
      const found = unresolved.filter(({ by }) => by === bot)
      return `🤖 ${code(bot)} left ${counted(found.length, 'finding')}: ${linesLeftOpen(found)}`
    }),
  ]).join('\n')
}

const linesLeftOpen = (comments: PullNeeds['unresolved']): string =>
  some(
    comments.map(({ path, line }) => code(`${path.slice(-80)}${line === null ? '' : `:${line}`}`)),
    maxShown,
  )

function checkLink({ name, url }: PullNeeds['failedChecks'][number]): string {
  const words = inlineWords(name, 80)
  const page = url !== undefined && URL.canParse(url) ? new URL(url) : undefined
  if (!page || !/^https?:$/.test(page.protocol)) return words
  return `[${words}](${page.href.replaceAll('(', '%28').replaceAll(')', '%29')})`
}

/** PostHog goes on with its agent after the last word, for the checks. */
export function saidAfterwards({ session: { sessionLog } }: Run): string {
  const said = sessionLog?.afterwards
  if (!said) return ''
  return `Codex looked at the checks, and said at ${dayAndTime(said.at)}:\n\n${quoted(said.text, 600)}`
}

/** No box at the cap: whoever goes on says what is to be done. */
export function fixOffer({ result: { needs, rounds }, baseline }: Run): string {
  if (!needs) return ''
  const { fix_rounds: most } = baseline.settings.limits
  return rounds && isAtCap(rounds, most)
    ? `**What to do:** an agent was sent to fix this ${counted(rounds.asked + rounds.byPostHog, 'time')}, and ${most} is the limit. Fix it yourself, or write \`/codex\` and what to do.`
    : boxFor('fix')
}

export function roundsInWords({ result: { rounds } }: Run): string | undefined {
  if (!rounds || rounds.asked + rounds.byPostHog === 0) return undefined
  const { asked, byPostHog } = rounds
  const own = byPostHog === 0 ? '' : `${asked > 0 ? `, ${byPostHog}` : ''} by PostHog itself`
  return `${counted(asked + byPostHog, 'round')} of fixing${own}`
}
