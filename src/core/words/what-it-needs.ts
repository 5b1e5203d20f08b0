/** News of the pull request of a Run, as its last word tells it: what it needs, and what became of it. */
import type { PullNeeds } from '../model/views.ts'
import { addressees, endToTell, needsToTell } from '../record/last-word.ts'
import { inlinePlace } from '../record/open-question.ts'
import { isAtCap } from '../record/pull-end.ts'
import type { Run } from '../record/run.ts'
import { counted, dayAndTime, paragraphs, withoutEmpty } from '../text/phrases.ts'
import { code, inlineWords, quoted } from '../text/safe-markdown.ts'
import { boxFor, mentions, pullLink, some } from './words.ts'

/** Stands above what the last word said first. The comment is edited for it, which sends no mail. */
export function lastWordNews(run: Run): string {
  const end = endToTell(run)
  const needs = needsToTell(run)
  const [sign, became] = end?.how === 'merged' ? ['🎉', 'Merged'] : ['✖️', 'Closed without a merge']
  return paragraphs([
    end && `${sign} ${which(run, end.number)}**${became}** ${dayAndTime(end.at)}`,
    needs && [`⚠️ ${which(run, needs.number)}**Needs work**`, ...needsLines(needs)].join('\n'),
    needs && saidAfterwards(run),
    needs && fixOffer(run),
  ])
}

/** An edit of the last word mails nobody, so the first red checks have a comment. */
export function redChecks(run: Run, { number, failedChecks }: PullNeeds): string {
  const failed = failedChecks.length === 1 ? 'a check' : counted(failedChecks.length, 'check')
  const which = some(failedChecks.map(checkLink), maxNeedLines)
  return paragraphs([
    `${mentions(addressees(run))} ${failed} failed on #${number}: ${which}.`,
    fixOffer(run),
  ])
}

/** If the Run has several pull requests, the news names the one that it is about. */
function which({ result: { pulls } }: Run, number: number): string {
  const pull = pulls.length > 1 ? pulls.find(known => known.number === number) : undefined
  return pull ? `${pullLink(pull)}: ` : ''
}

const maxNeedLines = 5

function needsLines({
  failedChecks,
  hasConflicts,
  changesRequestedBy,
  unresolved,
}: PullNeeds): string[] {
  const open = unresolved.filter(({ by }) => by === undefined)
  const bots = [...new Set(unresolved.flatMap(({ by }) => by ?? []))]
  return withoutEmpty([
    failedChecks.length > 0 &&
      `❌ ${counted(failedChecks.length, 'check')} failed: ${some(failedChecks.map(checkLink), maxNeedLines)}`,
    hasConflicts && '🔀 It has conflicts with its base branch',
    changesRequestedBy.length > 0 &&
      `✋ Changes requested by ${some(changesRequestedBy.map(code), maxNeedLines)}`,
    open.length > 0 &&
      `💬 ${open.length === 1 ? '1 open comment on a line' : `${open.length} open comments on lines`}: ${linesLeftOpen(open)}`,
    ...bots.map(bot => {
      const found = unresolved.filter(({ by }) => by === bot)
      return `🤖 ${code(bot)} left ${counted(found.length, 'finding')}: ${linesLeftOpen(found)}`
    }),
  ])
}

const linesLeftOpen = (comments: PullNeeds['unresolved']): string =>
  some(
    comments.map(({ path, line }) => code(`${path.slice(-80)}${line === null ? '' : `:${line}`}`)),
    maxNeedLines,
  )

function checkLink({ name, url }: PullNeeds['failedChecks'][number]): string {
  const words = inlineWords(name, 80)
  const page = url !== undefined && URL.canParse(url) ? new URL(url) : undefined
  if (!page || !/^https?:$/.test(page.protocol)) return words
  return `[${words}](${page.href.replaceAll('(', '%28').replaceAll(')', '%29')})`
}

/** PostHog goes on with its agent after the last word, for the checks. */
function saidAfterwards({ session: { sessionLog } }: Run): string {
  const said = sessionLog?.afterwards
  if (!said) return ''
  return `Codex looked at the checks, and said at ${dayAndTime(said.at)}:\n\n${quoted(said.text, 600)}`
}

/** No box at the cap: whoever goes on says what is to be done. Nor on a line, where GitHub tells of no tick. */
function fixOffer(run: Run): string {
  const { rounds } = run.result
  const { fix_rounds: most } = run.baseline.settings.limits
  if (rounds && isAtCap(rounds, most))
    return `**What to do:** an agent was sent to fix this ${counted(rounds.asked + rounds.byPostHog, 'time')}, and ${most} is the limit. Fix it yourself, or write \`/codex\` and what to do.`
  return inlinePlace(run) ? '`/codex fix` sends Codex to fix this.' : boxFor('fix')
}

export function roundsInWords({ result: { rounds } }: Run): string | undefined {
  if (!rounds || rounds.asked + rounds.byPostHog === 0) return undefined
  const { asked, byPostHog } = rounds
  const own = byPostHog === 0 ? '' : `${asked > 0 ? `, ${byPostHog}` : ''} by PostHog itself`
  return `${counted(asked + byPostHog, 'round')} of fixing${own}`
}
