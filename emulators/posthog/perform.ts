/** One turn of the agent, per behaviour. */
import { randomUUID } from 'node:crypto'
import { type Behaviour, type OpensPull, opensPull } from './behaviour.ts'
import type { Settings } from './options.ts'
import { forever, Interrupted, pause } from './pause.ts'
import type { Run } from './run.ts'

export interface Desk {
  run: Run
  repository: string
  /** What the agent starts from and targets. */
  base: string
  /** False when the asked branch is not on the remote: it was made locally, off the default branch. */
  baseExists: boolean
  prompt: string
  settings: Settings
  signal: AbortSignal
}

export async function perform(behaviour: Behaviour, desk: Desk): Promise<void> {
  const { run, signal, settings } = desk
  switch (behaviour.kind) {
    case 'opensPull':
      return editAndPublish(behaviour, desk)
    case 'answers':
      await pause(behaviour.delay ?? settings.timing.work, signal)
      if (behaviour.edits) run.edit(behaviour.edits)
      for (const name of behaviour.makes ?? []) run.keeps(name)
      run.say(behaviour.text)
      return run.completeTurn(behaviour.stopReason)
    case 'stopsShort':
      await pause(behaviour.after ?? settings.timing.work, signal)
      run.say(behaviour.text ?? 'Now I run the tests.')
      return run.stopShort(behaviour.by)
    case 'fails':
      await pause(behaviour.after ?? settings.timing.work, signal)
      run.note('_posthog/error', { message: behaviour.message })
      return run.finish('failed', behaviour.message)
    case 'hangs':
      return forever(signal)
    case 'slow':
      await pause(behaviour.ms, signal)
      return perform(behaviour.next ?? opensPull, desk)
    case 'asksPermission': {
      const question = behaviour.question ?? 'Run `npm test`?'
      const waits = behaviour.of !== 'command' || run.state.mode === 'interactive'
      if (!waits || (await askPermission(run, { question, choices: behaviour.choices }, signal)))
        return perform(behaviour.next ?? opensPull, desk)
      return notAllowed(run)
    }
    case 'pushesToBranch':
      await pause(settings.timing.work, signal)
      await pushToBranch(desk, desk.base, behaviour.files)
      run.say(behaviour.text ?? `Pushed the change to \`${desk.base}\`.`)
      return run.completeTurn()
    case 'manual':
      return manualTurn(run, signal)
  }
}

async function editAndPublish(behaviour: OpensPull, desk: Desk): Promise<void> {
  const { run, signal, settings } = desk
  const question = gate(run)
  if (question && !(await askPermission(run, { question }, signal))) return notAllowed(run)
  run.say('Looking at the code now.')
  run.runCommand('npm test')
  await pause(behaviour.delay ?? settings.timing.work, signal)
  const words = await finishEdit(behaviour, desk)
  // It talks on: of its turn the pull request is news, not the end.
  run.say(words)
  await pause(settings.timing.settle, signal)
  run.runCommand('npm run lint')
  run.say(behaviour.text ?? `Checked it once more. ${words}`)
  run.completeTurn()
}

/** A plan waits for its approval in both modes, other permissions are only asked for in `interactive` [R]. */
function gate({ state }: Run): string | undefined {
  if (state.initial_permission_mode === 'plan') return 'Approve this plan?'
  const asks = state.initial_permission_mode === 'read-only' && state.mode === 'interactive'
  return asks ? 'Apply this change?' : undefined
}

/** @returns what it says of it */
async function finishEdit(behaviour: OpensPull, desk: Desk): Promise<string> {
  const { run, settings } = desk
  if (behaviour.prUrl !== undefined) {
    run.addOutput({ pr_url: behaviour.prUrl })
    return `Opened a pull request: ${behaviour.prUrl}`
  }
  if (mayPublish(desk)) return publish(behaviour, desk)
  if (settings.agent === 'disobedient') return pushAnyway(behaviour, desk)
  return run.state.initial_permission_mode === 'read-only'
    ? 'This session is read-only, so nothing was changed.'
    : 'The change is ready in the working tree. Tell me to open a pull request if you want it published.'
}

/**
 * Newer agents are review-first: they publish only when told to. But `read-only` holds none of them back in
 * background mode, where every permission is given [R].
 */
function mayPublish({ run, prompt, settings }: Desk): boolean {
  const { auto_publish: asked } = run.state
  if (settings.agent === 'disobedient') return asked !== false
  return asked === true || asksForPull(prompt) || asksForPull(run.prompt)
}

/** Without the right to open a pull request there is still that to push. */
async function pushAnyway(behaviour: OpensPull, desk: Desk): Promise<string> {
  const { run, base } = desk
  const joins = await desk.settings.hands.openPullFor(desk.repository, base)
  const branch = joins ? base : `posthog/${run.task.number}-anyway`
  await pushToBranch(desk, branch, behaviour.files)
  return `I went ahead and pushed the change to \`${branch}\`.`
}

const ask = String.raw`\b(?:open|create|raise|make|submit|publish|send|draft)s?\b[^\n]{0,80}\b(?:pull[ -]request|PR)\b`
const wanted = new RegExp(ask, 'i')
const unwanted = new RegExp(String.raw`\b(?:do not|don't|never|without)\b[^\n]{0,20}${ask}`, 'i')

const asksForPull = (prompt: string) => wanted.test(prompt) && !unwanted.test(prompt)

function notAllowed(run: Run): void {
  run.say('I was not allowed to do that, so I stopped here.')
  run.completeTurn()
}

const yesOrNo = [
  { optionId: 'allow', name: 'Allow', kind: 'allow_once' },
  { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
]

interface Asked {
  question: string
  choices?: string[] | undefined
}

/** Waits without end, and nothing in the row of the run says so [R]. */
async function askPermission(run: Run, { question, choices }: Asked, signal: AbortSignal): Promise<boolean> {
  const options =
    choices?.map((name, index) => ({ optionId: `choice-${index + 1}`, name, kind: 'allow_once' })) ?? yesOrNo
  const requestId = randomUUID()
  const toolCallId = randomUUID()
  const asked = { requestId, toolCall: { toolCallId, title: question, kind: 'execute' }, options }
  run.emit({ type: 'permission_request', ...asked })
  run.store('_posthog/permission_request', { ...asked, toolCallId })
  const optionId = await new Promise<string>((resolve, reject) => {
    run.permission = { requestId, answer: resolve }
    signal.addEventListener('abort', () => reject(new Interrupted()), { once: true })
  }).finally(() => {
    run.permission = undefined
  })
  run.note('_posthog/permission_resolved', { requestId, toolCallId, optionId })
  return options.some(option => option.optionId === optionId && option.kind.startsWith('allow'))
}

async function manualTurn(run: Run, signal: AbortSignal): Promise<void> {
  let end: () => void = () => {}
  const turn = new Promise<void>(resolve => {
    end = resolve
  })
  run.manual = { turn, end }
  try {
    await Promise.race([turn, forever(signal)])
  } finally {
    run.manual = undefined
  }
}

// How its edits reach GitHub: a push to the branch of an open pull request, or a draft of its own.

type Plan = Omit<OpensPull, 'kind'>

/** @returns what the agent says of it */
export async function publish(plan: Plan, desk: Desk): Promise<string> {
  const target = await openPullToJoin(desk)
  if (!target) return openOwnPull(plan, desk)
  await pushToBranch(desk, target.branch, plan.files)
  return `Pushed the change to \`${target.branch}\`, the branch of #${target.number}.`
}

/** The pull request the agent may add to: that of its own earlier work, or the one whose head it was started on. */
async function openPullToJoin({ run, repository, base, settings }: Desk) {
  const heads = [run.working?.name, base].filter(name => name !== undefined)
  for (const branch of heads) {
    const pull = await settings.hands.openPullFor(repository, branch)
    if (pull) return { branch, ...pull }
  }
  return undefined
}

async function pushToBranch(desk: Desk, branch: string, files?: Record<string, string>): Promise<void> {
  const { run, settings, repository } = desk
  await commit(desk, branch, files)
  run.working = { name: branch, pull: await settings.hands.openPullFor(repository, branch) }
  run.change({ branch })
  reportHead(desk, branch)
}

async function openOwnPull(plan: Plan, desk: Desk): Promise<string> {
  const { run, repository, settings, base, signal } = desk
  const title = plan.title ?? run.task.title
  const head = await freeBranch(desk, title)
  await commit(desk, head, plan.files)
  run.working = { name: head, pull: undefined }
  run.change({ branch: head })
  await pause(settings.timing.publish, signal)
  const pull = await settings.hands
    .openPull(repository, { head, base, title, body: plan.body ?? pullBody(desk), draft: true })
    .catch((thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))))
  reportHead(desk, head)
  if (pull instanceof Error) return brokenPull(desk, head, pull)
  run.working = { name: head, pull: { ...pull, base } }
  run.addOutput({ pr_url: pull.url, pr_urls: [pull.url] })
  run.progress('pr', 'completed', 'Opened pull request', pull.url)
  return `Opened a draft pull request: ${pull.url}`
}

async function brokenPull(
  { base, repository, settings }: Desk,
  head: string,
  failure: Error,
): Promise<string> {
  const there = await settings.hands.branchExists(repository, base)
  const reason = there ? failure.message : `base branch \`${base}\` does not exist on the remote`
  return `I pushed \`${head}\`, but \`gh pr create --draft --base ${base}\` failed: ${reason}.`
}

function reportHead({ run, repository }: Desk, branch: string): void {
  run.addOutput({ head_branch: branch, head_branches: [{ repository, branch }] })
}

async function commit(desk: Desk, branch: string, files?: Record<string, string>): Promise<void> {
  const { run, repository, settings, base, baseExists } = desk
  // Its clone has the base still when somebody has taken that off the remote meanwhile.
  const there = baseExists && (await settings.hands.branchExists(repository, base))
  const from = there ? base : await settings.hands.defaultBranch(repository)
  const edits = files ?? { [`agent/${run.id}.md`]: `${run.task.title}\n` }
  await settings.hands.commit(repository, branch, from, edits, run.task.title)
}

async function freeBranch({ repository, settings, run }: Desk, title: string): Promise<string> {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40)
  for (let n = run.task.number; ; n += 1) {
    const name = `posthog/${slug || 'task'}-${n}`
    if (!(await settings.hands.branchExists(repository, name))) return name
  }
}

function pullBody({ run, repository, prompt }: Desk): string {
  const issue = /([\w.-]+\/[\w.-]+)#(\d+)/.exec(`${run.prompt}\n${prompt}`)
  const closes = issue?.[1]?.toLowerCase() === repository ? `Closes #${issue[2]}\n\n` : ''
  return `${run.task.title}\n\n${closes}---\n*Created with PostHog*\n`
}
