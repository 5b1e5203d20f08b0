/** The status comment of a Run: rendered whole from its record, never read back. */
import { type Service, serviceNames } from '../model/errors.ts'
import { outageOf, services } from '../run/outage.ts'
import { optionByRights, type PermissionRequest } from '../run/permission-request.ts'
import { type Outage, type Phase, type Pull, phaseOf, type Run } from '../run/run.ts'
import { limits } from '../run/timing.ts'
import { code, inlineWords, quoted } from '../text/safe-markdown.ts'
import { box } from './boxes.ts'
import {
  agentLeft,
  agentWords,
  branchUrl,
  clock,
  commitUrl,
  type Deployment,
  elapsed,
  exactly,
  runUrl,
} from './words.ts'

const maxInstruction = 1_000

/** What is shown without its marker; the marker is added when it is sent. */
export function statusComment(run: Run, deployment: Deployment, now: number): string {
  return [
    `### ${heading(run, now)}`,
    `${instruction(run)}`,
    lines(run, deployment).join('\n'),
    answer(run),
    question(run),
    outages(run, now),
    receipt(run),
    boxes(run),
    `<sub>${nextWords(run)}</sub>`,
  ]
    .filter(part => part !== '')
    .join('\n\n')
}

/** Changes of this are shown at once; everything else waits for the next edit. */
export function phaseKey(run: Run, now: number): string {
  const pulls = run.pulls.map(pull => `${pull.number}${pull.state}${pull.draft}`).join()
  return [
    phaseOf(run),
    run.ahead ?? '',
    run.round,
    run.outcome ? '' : (run.heard?.asks?.id ?? ''),
    pulls,
    toldOutages(run, now)
      .map(({ outage }) => outage.why)
      .join('|'),
    run.agentLeft ? 'left' : '',
  ].join('|')
}

const headings: Record<Phase, (run: Run, time: string) => string> = {
  waiting: run => `⏳ Codex waits for its turn · ${waitsFor(run)}`,
  preparing: run => (tellsPlan(run) ? '⏳ Codex is getting ready to plan' : '⏳ Codex is getting ready'),
  starting: (_, time) => `⏳ Codex is waiting for PostHog to start${time}`,
  working: (run, time) =>
    openQuestion(run)
      ? `❓ Codex waits for an answer${time}`
      : `⏳ Codex is ${tellsPlan(run) ? 'planning' : 'working'}${time}`,
  stopping: () => '⏳ Codex is stopping',
  pull: (run, time) => `🚀 Codex opened ${pullList(run.pulls.slice(firstNewPull(run)))}${time}`,
  pushed: (run, time) => `🚀 Codex pushed ${pushedCommit(run)} to ${pushedWhere(run)}${time}`,
  answer: (run, time) => (tellsPlan(run) ? `📋 Codex has a plan${time}` : `💬 Codex answered${time}`),
  nothing: (_, time) => `💬 Codex finished without a change${time}`,
  stopped: (_, time) => `⏹️ Codex was stopped${time}`,
  failed: (_, time) => `😕 Codex failed${time}`,
}

function waitsFor({ ahead = 0, waitsUntil }: Run): string {
  if (waitsUntil) return `goes on at ${clock(waitsUntil.at)}`
  return ahead === 1 ? 'one run before it' : `${ahead} runs before it`
}

const tellsPlan = (run: Run): boolean => run.ask.what === 'plan'

/** After the last report `reported` covers all pull requests; the heading then names the newest. */
const firstNewPull = (run: Run): number => Math.min(run.reported, Math.max(0, run.pulls.length - 1))

/** A plan that left more than words says so, whatever that was. */
const heading = (run: Run, now: number): string =>
  tellsPlan(run) && (run.outcome?.is === 'pull' || run.outcome?.is === 'pushed')
    ? `⚠️ Codex has a plan, and changed something although it was to read only${elapsed(run, now)}`
    : headings[phaseOf(run)](run, elapsed(run, now))

function pushedCommit({ thread, pushed }: Run): string {
  return pushed === undefined ? 'its commits' : `[${code(pushed.slice(0, 7))}](${commitUrl(thread, pushed)})`
}

function pushedWhere(run: Run): string {
  if (run.thread.kind === 'pull') return 'this pull request'
  const open = run.pulls.filter(({ state }) => state === 'open')
  return open.length > 0 ? pullList(open) : code(run.branch?.name ?? '')
}

const pullList = (pulls: readonly Pull[]): string => pulls.map(pull => `#${pull.number}`).join(', ')

function instruction(run: Run): string {
  const { origin, text } = run.ask
  if (text !== '') return quoted(text, maxInstruction)
  const noun = run.thread.kind === 'issue' ? 'issue' : 'pull request'
  return origin.by === 'label'
    ? `> The ${noun} itself, by its label ${code(origin.label)}`
    : `> The ${noun} itself`
}

function lines(run: Run, deployment: Deployment): string[] {
  return [
    `✅ Asked by ${inlineWords(run.ask.by.login, 60)} · ${clock(run.ask.at)}`,
    ...(run.waitsUntil ? [`⏸️ The limit for ${run.waitsUntil.limit} is reached`] : []),
    ...branchLine(run),
    ...(run.headMoved
      ? [
          `⚠️ The branch moved from ${code(run.headMoved.from.slice(0, 7))} to ${code(run.headMoved.to.slice(0, 7))} after this was asked`,
        ]
      : []),
    ...startLine(run, deployment),
    ...run.progress.filter(({ step }) => !step.startsWith('pr')).map(step => progressLine(run, step)),
    ...attachments(run),
    ...followUps(run),
    ...permissionLine(run),
    ...pullLines(run),
    ...unheededLine(run),
    ...endLine(run),
    ...(run.outcome && run.cost ? [`💰 $${run.cost.toFixed(2)} for this task so far`] : []),
    ...(run.settingsProblem
      ? [
          `⚠️ ${inlineWords(run.settingsProblem, 1_500)}. Until that is put right, the last version without a slip holds.`,
        ]
      : []),
  ]
}

const attachments = (run: Run): string[] =>
  (run.attachments?.failed ?? []).map(
    ({ name, why }) => `⚠️ ${code(name.slice(0, 80))} was not passed to the agent: ${inlineWords(why, 200)}`,
  )

function branchLine(run: Run): string[] {
  if (!run.branch) return run.outcome || run.ahead !== undefined ? [] : ['⏳ Branch']
  const { name, made, linked, into, fresh } = run.branch
  // A branch that nothing was pushed to is taken away again.
  if (run.outcome && fresh && run.pushed === undefined) return []
  const origin = made ? `, ${linked ? 'made and linked here' : 'made'} from ${code(into)}` : ''
  return [`✅ Branch [${code(name)}](${branchUrl(run.thread, name)})${origin}`]
}

function startLine(run: Run, deployment: Deployment): string[] {
  if (!run.taskRun) return run.outcome || !run.branch ? [] : ['⏳ Run']
  const started = run.taskRun.status !== 'queued' && run.taskRun.status !== 'not_started'
  return [
    `${started ? '✅ Run started' : '⏳ Run handed to PostHog'} · ${settings(run)} · [open in PostHog](${runUrl(run, deployment)})`,
    ...downgraded(run),
  ]
}

function settings(run: Run): string {
  const effort = run.ask.options.effort
  return inlineWords(run.ask.options.model, 60) + (effort ? `, effort ${effort}` : '')
}

/** What the server made of the request, told only where it differs. */
function downgraded(run: Run): string[] {
  const { model, effort } = run.taskRun ?? {}
  const differs = [
    ...(model && model.toLowerCase() !== run.ask.options.model.toLowerCase()
      ? [`model ${inlineWords(model, 60)}`]
      : []),
    ...(effort && run.ask.options.effort && effort !== run.ask.options.effort
      ? [`effort ${inlineWords(effort, 20)}`]
      : []),
  ]
  const authored =
    run.ask.options.authorship === 'user' && run.taskRun?.authorship === 'bot'
      ? ['⚠️ PostHog lets its bot write the pull request: the user of its key has no usable GitHub link there']
      : []
  return differs.length === 0
    ? authored
    : [`⚠️ PostHog used ${differs.join(', ')} instead of what was asked`, ...authored]
}

function progressLine(run: Run, step: Run['progress'][number]): string {
  const over = step.done || run.outcome !== undefined || step !== run.progress.at(-1)
  return `${over ? '✅' : '⏳'} ${inlineWords(step.label, 120)} · ${exactly(step.at - run.ask.at)}`
}

function followUps(run: Run): string[] {
  const passed = run.passedOn
  const waiting = run.undelivered.length
  return [
    ...(passed > 0
      ? [`✅ ${passed === 1 ? 'One follow-up' : `${passed} follow-ups`} passed to the agent`]
      : []),
    ...(waiting > 0 ? [`⏳ ${waiting === 1 ? 'One follow-up' : `${waiting} follow-ups`} to pass on`] : []),
  ]
}

/** What people have to answer: the rights of the Run do not. */
function openQuestion(run: Run): PermissionRequest | undefined {
  const asks = run.outcome ? undefined : run.heard?.asks
  return asks && optionByRights(asks, run) === undefined ? asks : undefined
}

function question(run: Run): string {
  const asks = openQuestion(run)
  if (!asks) return ''
  const options = asks.options.map(({ name }, index) => `${index + 1}. ${code(name)}`)
  return [
    quoted(asks.title, 1_000),
    ...(options.length > 0 ? [options.join('\n')] : []),
    '**What to do:** answer with `/codex <your answer>`; the agent waits for it.',
  ].join('\n\n')
}

function permissionLine({ permission, outcome, heard }: Run): string[] {
  if (!permission) return []
  const waits = !outcome && heard?.asks?.id === permission.id ? '⏳' : '✅'
  const given = permission.allowed ? 'given' : 'not given'
  return [
    `${waits} The agent asked for a permission, which was ${given}: ${inlineWords(permission.title, 120)}`,
  ]
}

const pullIcon: Record<Pull['state'], string> = { open: '✅', merged: '🟣', closed: '❌' }

function pullLines(run: Run): string[] {
  const shown = run.pulls.map(pull => {
    const state = pull.state === 'open' ? (pull.draft ? 'draft' : 'open') : pull.state
    const note = pull.note ? ` · ⚠️ ${inlineWords(pull.note, 200)}` : ''
    return `${pullIcon[pull.state]} Pull request [#${pull.number} ${inlineWords(pull.title, 100)}](${pull.url}) · ${state}, ${code(pull.head)} → ${code(pull.base)}${note}`
  })
  if (shown.length > 0 || run.outcome || run.ask.what === 'plan' || run.thread.kind === 'pull') return shown
  return ['▫️ Pull request']
}

const unheededLine = ({ unheeded, outcome }: Run): string[] =>
  unheeded && !outcome
    ? [
        `ℹ️ ${inlineWords(unheeded.by, 60)} ${unheeded.because}, without the permission to stop the run, so it goes on. Whoever has it can \`/codex stop\``,
      ]
    : []

function endLine(run: Run): string[] {
  const { outcome } = run
  if (outcome?.is === 'failed')
    return [
      `❌ ${inlineWords(outcome.reason, 300)}`,
      ...(run.agentLeft ? [`⚠️ ${agentLeft}`] : []),
      '',
      `**What to do:** ${outcome.fix}`,
    ]
  if (outcome?.is === 'stopped')
    return [`⏹️ Stopped by ${inlineWords(outcome.by, 60)}${outcome.because ? `, who ${outcome.because}` : ''}`]
  return []
}

/** Beside a pull request; elsewhere the last word of the thread carries them. */
function answer(run: Run): string {
  const words = run.heard?.answer
  return words && run.outcome?.is === 'pull' ? agentWords(words) : ''
}

const toldOutages = (run: Run, now: number): { service: Service; outage: Outage }[] =>
  services.flatMap(service => {
    const outage = outageOf(run, service)
    const tells = outage && Math.max(outage.until, now) - outage.since >= limits.worthTelling
    return tells ? [{ service, outage }] : []
  })

function outages(run: Run, now: number): string {
  if (run.outcome) return ''
  return toldOutages(run, now)
    .map(
      ({ service, outage: { why, since, until } }) =>
        `⏸️ Waiting for ${serviceNames[service]} since ${clock(since)}: ${inlineWords(why, 200)}. Goes on by itself; next try ${moment(until, now)}.`,
    )
    .join('\n\n')
}

/** With its date, unless it is soon. */
const moment = (at: number, now: number): string =>
  at - now < 12 * 60 * 60_000 ? clock(at) : `${new Date(at).toISOString().slice(0, 10)} ${clock(at)}`

/** What the agent was given to read, so that nobody has to guess. */
function receipt(run: Run): string {
  if (!run.context) return ''
  const { comments, leftOut } = run.context
  const out = [
    [leftOut.outsiders, 'by people without write permission'],
    [leftOut.bots, 'by bots'],
    [leftOut.later, 'written or edited after this was asked'],
    [leftOut.older, 'older ones beyond the limit'],
  ].flatMap(([count, which]) => (count ? [`${count} ${which}`] : []))
  const authors = [...new Set(comments.map(({ author }) => author))].map(author => inlineWords(author, 60))
  const given = comments.length === 0 ? '' : `, ${comments.length} of the comments (by ${authors.join(', ')})`
  const left = out.length === 0 ? '' : ` Left out: ${out.join(', ')}.`
  return `<details><summary>What the agent was given</summary>\n\nThe instruction, title and description as they were when this was asked${given}.${left}\n\n</details>`
}

function boxes(run: Run): string {
  if (!run.outcome) return run.stop ? '' : box('stop')
  return run.outcome.is === 'failed' || run.outcome.is === 'stopped' ? box('retry') : ''
}

function nextWords(run: Run): string {
  if (!run.outcome && run.stop) return '`/codex help`'
  if (!run.outcome) return '`/codex <more>` to steer · `/codex stop` · `/codex help`'
  if (run.outcome.is === 'failed' || run.outcome.is === 'stopped')
    return '`/codex retry` · `/codex <more>` to go on · `/codex help`'
  if (run.ask.what === 'plan')
    return '`/codex approve` to carry it out · `/codex plan <more>` to change it · `/codex help`'
  return '`/codex <more>` to go on · `/codex help`'
}
