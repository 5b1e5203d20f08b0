/** The notes in a Run's comments on what went otherwise than asked, or what soon meets a limit. */

import { isNear } from '../record/admission.ts'
import { costReached } from '../record/failures.ts'
import type { Run } from '../record/run.ts'
import { begun, counted, dollars, withoutEmpty } from '../text/phrases.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { fileList, withCode } from './words.ts'

/** Nothing comes of what went as asked. */
type Warning = string | false | undefined

export const warnings = (run: Run): string =>
  withoutEmpty([
    headMoved(run),
    linkedElsewhere(run),
    stackedOn(run),
    ...downgraded(run),
    ...attachments(run),
    ...run.result.pulls.map(
      ({ number, remark }) => remark && `⚠️ #${number}: ${inlineWords(remark, 200)}`,
    ),
    unopened(run),
    stopIgnored(run),
    settingsProblem(run),
    costOfDay(run),
    costOfSession(run),
  ]).join('\n')

const linkedElsewhere = ({ workspace: { linkedElsewhere: linked } }: Run): Warning =>
  linked &&
  `⚠️ The linked branch ${code(linked.branch)} is in ${code(linked.repository)}, so it is not used here`

function costOfDay({ result: { outcome }, schedule: { costOfDay: cost } }: Run): Warning {
  if (outcome || !cost) return undefined
  const near = `ℹ️ ${begun(costReached(cost))}.`
  if (cost.unknown === 0) return near
  const unkept = `⚠️ The limit of ${dollars(cost.limit)} in 24 hours can't be kept: PostHog does not say what ${counted(cost.unknown, 'run')} cost.`
  return cost.used === 0 ? unkept : `${near} ${unkept}`
}

/** The next words would meet the limit without having been told of it. */
function costOfSession({
  result: { outcome },
  session: { cost },
  baseline: { settings },
}: Run): Warning {
  const limit = settings.limits.cost_per_run
  if (!outcome || limit === undefined) return undefined
  if (cost === null)
    return `⚠️ The limit of ${dollars(limit)} for a session can't be kept: PostHog does not say what this one has cost.`
  if (!cost || !isNear(cost, limit)) return undefined
  const used = `This session has cost ${dollars(cost)}. The limit for one is ${dollars(limit)}`
  return cost < limit
    ? `ℹ️ ${used}; at the limit it accepts no further instructions.`
    : `⚠️ ${used}, so it accepts no further instructions. ${code('/codex --new …')} starts a new session.`
}

const stackedOn = ({ workspace: { stackedOn: below } }: Run): Warning =>
  below &&
  `ℹ️ ${code(below.base)} is the branch of [#${below.number}](${below.url}), which is not merged yet. This work builds on it.`

const headMoved = ({ workspace: { headMoved } }: Run): Warning =>
  headMoved &&
  `⚠️ Somebody pushed after you asked: the branch moved from ${code(headMoved.from.slice(0, 7))} to ${code(headMoved.to.slice(0, 7))}.`

function downgraded({ request: { options }, session: { taskRun } }: Run): Warning[] {
  const { model, effort, authorship } = taskRun ?? {}
  const isOtherModel = model?.toLowerCase() !== options.model.toLowerCase()
  return [
    model &&
      isOtherModel &&
      `⚠️ You asked for the model ${code(options.model)}. PostHog used ${code(model)}.`,
    effort &&
      options.effort &&
      effort !== options.effort &&
      `⚠️ You asked for the effort ${code(options.effort)}. PostHog used ${code(effort)}.`,
    options.authorship === 'user' &&
      authorship === 'bot' &&
      '⚠️ The pull request will be by PostHog’s bot: the user of the PostHog key has no GitHub account there.',
  ]
}

/** Each reason has one line, however many files it is about. */
function attachments({ workspace: { attachments } }: Run): Warning[] {
  const failed = attachments?.failed ?? []
  return [...new Set(failed.map(({ why }) => why))].map(reason => {
    const names = failed.flatMap(({ name, why }) => (why === reason ? [name] : []))
    return `⚠️ Codex did not get ${fileList(names, 3)}: ${inlineWords(reason, 200)}.`
  })
}

const unopened = ({ result: { unopened: refused } }: Run): Warning =>
  refused &&
  `⚠️ GitHub did not let the bot open a pull request into ${code(refused.base)}: ${inlineWords(refused.why, 200)}`

const stopIgnored = ({ mailbox: { ignoredStop }, result: { outcome } }: Run): Warning =>
  ignoredStop &&
  !outcome &&
  `ℹ️ ${code(ignoredStop.by)} ${ignoredStop.because} but may not stop the run, so it goes on. Somebody with write permission can write \`/codex stop\`.`

const settingsProblem = ({ baseline: { settingsProblem } }: Run): Warning =>
  settingsProblem &&
  `⚠️ ${withCode(settingsProblem, 1_500)}. Until this is fixed, the last correct version applies.`
