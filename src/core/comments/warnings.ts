import type { Run } from '../run/run.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { withCode } from './words.ts'

export const warnings = (run: Run): string =>
  [
    ...headMoved(run),
    ...downgraded(run),
    ...attachments(run),
    ...pullRemarks(run),
    ...ignored(run),
    ...settingsProblem(run),
  ].join('\n')

const headMoved = ({ workspace: { headMoved } }: Run): string[] =>
  headMoved
    ? [
        `⚠️ The branch moved from ${code(headMoved.from.slice(0, 7))} to ${code(headMoved.to.slice(0, 7))} after this was asked`,
      ]
    : []

function downgraded({ request, session: { taskRun } }: Run): string[] {
  const { model, effort, authorship } = taskRun ?? {}
  const { options } = request
  const differs = [
    ...(model && model.toLowerCase() !== options.model.toLowerCase()
      ? [`model ${inlineWords(model, 60)}`]
      : []),
    ...(effort && options.effort && effort !== options.effort ? [`effort ${inlineWords(effort, 20)}`] : []),
  ]
  return [
    ...(differs.length > 0 ? [`⚠️ PostHog used ${differs.join(', ')} instead of what was asked`] : []),
    ...(options.authorship === 'user' && authorship === 'bot'
      ? ['⚠️ PostHog lets its bot write the pull request: the user of its key has no usable GitHub link there']
      : []),
  ]
}

const attachments = ({ workspace: { attachments } }: Run): string[] =>
  (attachments?.failed ?? []).map(
    ({ name, why }) => `⚠️ ${code(name.slice(0, 80))} was not passed to the agent: ${inlineWords(why, 200)}`,
  )

const pullRemarks = ({ result: { pulls } }: Run): string[] =>
  pulls.flatMap(({ number, remark }) => (remark ? [`⚠️ #${number}: ${inlineWords(remark, 200)}`] : []))

const ignored = ({ mailbox: { ignoredStop }, result: { outcome } }: Run): string[] =>
  ignoredStop && !outcome
    ? [
        `ℹ️ ${inlineWords(ignoredStop.by, 60)} ${ignoredStop.because}, without the permission to stop the run, so it goes on. Whoever has it can \`/codex stop\``,
      ]
    : []

const settingsProblem = ({ baseline: { settingsProblem } }: Run): string[] =>
  settingsProblem
    ? [
        `⚠️ ${withCode(settingsProblem, 1_500)}. Until that is fixed, the last version without a problem is used.`,
      ]
    : []
