/** What the agent does in a turn, per behaviour. */
import { randomUUID } from 'node:crypto'
import { beginCall, editFiles, endCall, runCommand, spend } from './agent-server.ts'
import { type Behaviour, type End, type OpensPull, opensPull } from './behaviour.ts'
import type { Settings } from './options.ts'
import { forever, Interrupted, pause } from './pause.ts'
import { type Run, spoken } from './run.ts'

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

export async function perform(behaviour: Behaviour, desk: Desk): Promise<End> {
  const { run, signal, settings } = desk
  switch (behaviour.kind) {
    case 'opensPull':
      return editAndPublish(behaviour, desk)
    case 'answers': {
      const { stopReason = 'end_turn' } = behaviour
      await pause(behaviour.delay ?? settings.timing.work, signal)
      editFiles(run, behaviour.edits ?? [])
      for (const name of behaviour.makes ?? []) run.keeps(name)
      run.losesLog = behaviour.lost === true
      speak(run, behaviour.text)
      if (stopReason === 'refusal') run.answered = false
      return { kind: 'answers', stopReason }
    }
    case 'finishes':
      return finishRun(behaviour, desk)
    case 'leavesServer': {
      await pause(behaviour.delay ?? settings.timing.work, signal)
      run.say('I start the server.')
      const call = beginCall(run, { title: "/bin/bash -lc 'npm start'", kind: 'execute' })
      spend(run)
      printForEver(run, call)
      speak(run, behaviour.text)
      return done
    }
    case 'pursuesGoal':
      run.note('_posthog/codex_goal', { goal: { objective: behaviour.goal, status: 'active' } })
      run.say(`Goal set: ${behaviour.goal}`)
      pursueGoal(run, behaviour.texts, settings.timing.work)
      return { kind: 'goal' }
    case 'stopsShort':
      await pause(behaviour.after ?? settings.timing.work, signal)
      run.say(behaviour.text ?? 'Now I run the tests.')
      run.stopShort(behaviour.by)
      return forever(signal)
    case 'dies':
      run.say(behaviour.text ?? 'Now I run the tests.')
      beginCall(run, { title: "/bin/bash -lc 'npm test'", kind: 'execute' })
      await pause(behaviour.after ?? settings.timing.work, signal)
      if (behaviour.who === 'codex') return { kind: 'breaks' }
      if (behaviour.who === 'agent-server') {
        run.console('Stopping agent server...')
        run.store()
      }
      run.die()
      return forever(signal)
    case 'fails':
      if (behaviour.text !== undefined) run.say(behaviour.text)
      await pause(behaviour.after ?? settings.timing.work, signal)
      return { kind: 'fails', said: behaviour.message }
    case 'isInterrupted':
      run.console('Cancel requested')
      run.note('session/cancel', { sessionId: run.sessionId })
      return { kind: 'answers', stopReason: 'cancelled' }
    case 'isClosed':
      return { kind: 'closes' }
    case 'hangs':
      return forever(signal)
    case 'slow':
      await pause(behaviour.ms, signal)
      return perform(behaviour.next ?? opensPull, desk)
    case 'asksPermission':
      return askFirst(behaviour, desk)
    case 'pushesToBranch':
      await pause(settings.timing.work, signal)
      await pushToBranch(desk, behaviour.branch ?? desk.base, behaviour.files, behaviour)
      if (behaviour.leaves) run.working = undefined
      speak(run, behaviour.text ?? `Pushed the change to \`${behaviour.branch ?? desk.base}\`.`)
      return done
    case 'manual':
      return manualTurn(run, signal)
  }
}

const done = { kind: 'answers', stopReason: 'end_turn' } as const

/** The model's answer: its words, and what they cost. */
function speak(run: Run, text: string): void {
  if (text !== '') run.say(text)
  run.answered = true
  spend(run)
}

async function editAndPublish(behaviour: OpensPull, desk: Desk): Promise<End> {
  const { run, signal, settings } = desk
  const asked = gate(run)
  if (asked && !(await isAllowed(desk, asked))) return notAllowed(run)
  run.say('Looking at the code now.')
  runCommand(run, 'npm test')
  await pause(behaviour.delay ?? settings.timing.work, signal)
  const words = await finishEdit(behaviour, desk)
  // It talks on: of its turn the pull request is news, not the end.
  run.say(words)
  await pause(settings.timing.settle, signal)
  runCommand(run, 'npm run lint')
  speak(run, behaviour.text ?? `Checked it once more. ${words}`)
  return done
}

/** What the permission mode makes it ask for, if anybody can say no. */
function gate({ state }: Run): Asked | undefined {
  if (state.initial_permission_mode === 'plan')
    return { of: 'plan', title: 'Ready to code?', options: ofPlan }
  if (state.initial_permission_mode !== 'read-only') return undefined
  return { of: 'command', title: 'Apply file changes', options: ofCommand }
}

/** @returns what it says of it */
async function finishEdit(behaviour: OpensPull, desk: Desk): Promise<string> {
  const { run, settings } = desk
  if (behaviour.prUrl !== undefined) {
    claimPull(run, behaviour.prUrl)
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

function notAllowed(run: Run): End {
  speak(run, 'I was not allowed to do that, so I stopped here.')
  return done
}

const again = {
  optionId: 'reject_with_feedback',
  name: 'No, and tell Codex what to do differently',
}
const ofCommand = [
  { optionId: 'allow', name: 'Allow', kind: 'allow_once' },
  {
    optionId: 'allow_always',
    name: "Allow similar commands and don't ask again",
    kind: 'allow_always',
  },
  { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
  { ...again, kind: 'reject_once' },
]
const ofPlan = [
  { optionId: 'auto', name: 'Yes, and use "auto" mode', kind: 'allow_always' },
  { optionId: 'full-access', name: 'Yes, and auto-approve everything', kind: 'allow_always' },
  { ...again, kind: 'reject_once' },
]
const ofTool = [
  { optionId: 'accept', name: 'Accept', kind: 'allow_once' },
  { optionId: 'decline', name: 'Decline', kind: 'reject_once' },
]

interface Asked {
  of: 'command' | 'plan' | 'question' | 'tool'
  title: string
  options: { optionId: string; name: string; kind: string }[]
}

const kinds = { command: 'execute', plan: 'switch_mode', question: 'other', tool: 'other' } as const

async function askFirst(
  behaviour: Extract<Behaviour, { kind: 'asksPermission' }>,
  desk: Desk,
): Promise<End> {
  const { run } = desk
  const { choices, question = 'Run `npm test`?', of = choices ? 'question' : 'command' } = behaviour
  const { mode, initial_permission_mode: atFirst } = run.state
  const permissions = behaviour.inMode ?? atFirst
  if (of === 'command' && permissions !== 'read-only')
    return perform(behaviour.next ?? opensPull, desk)
  // Outside plan mode there is no tool to ask with, and in background nobody to ask: the words are the answer.
  if (of === 'question' && (mode !== 'interactive' || permissions !== 'plan')) {
    run.next = behaviour.next
    await pause(desk.settings.timing.work, desk.signal)
    speak(run, [question, ...(choices ?? []).map(choice => `- ${choice}`)].join('\n'))
    return done
  }
  const options = (choices ?? ['Yes', 'No']).map((name, n) => ({
    optionId: `option_${n}`,
    name,
    kind: 'allow_once',
  }))
  if (of === 'question') run.say('I have a question.')
  const asked: Asked = { of, title: question, options: of === 'question' ? options : ofCommand }
  const all = [asked, ...(behaviour.atOnce ?? []).map(title => ({ ...asked, title }))]
  const answers = await Promise.all(all.map(each => isAllowed(desk, each)))
  const allowed = answers.every(Boolean)
  return allowed || of === 'question' ? perform(behaviour.next ?? opensPull, desk) : notAllowed(run)
}

/**
 * In background all but questions is allowed at once. In interactive mode a plan and a question wait for whoever reads
 * the stream, and a command only while somebody reads `/events` of the sandbox, which the workflow does not do with
 * event ingest [W]: unless `watched`, it is allowed at once, too. Nothing in the row says that it waits.
 */
async function isAllowed(
  { run, settings, signal }: Desk,
  { of, title, options }: Asked,
): Promise<boolean> {
  const _meta = of === 'question' ? { codeToolKind: 'question' } : undefined
  const call = { title, kind: kinds[of], _meta }
  const toolCallId = of === 'question' ? randomUUID() : beginCall(run, call)
  const toolCall = { toolCallId, ...call }
  const id = run.ask(
    'session/request_permission',
    { sessionId: run.sessionId, toolCall, options },
    'agent',
  )
  run.console('Permission request')
  const waits = run.state.mode === 'interactive' && (of !== 'command' || settings.watched)
  const optionId = waits ? await relay(run, { toolCall, options }, signal) : options[0]?.optionId
  if (!waits) resolveAsked(run, id, String(optionId))
  const allowed = options.some(
    option => option.optionId === optionId && option.kind.startsWith('allow'),
  )
  if (of !== 'question') endCall(run, toolCallId, '', allowed ? 'completed' : 'failed')
  if (of !== 'plan' || !allowed) return allowed
  run.update({ sessionUpdate: 'current_mode_update', currentModeId: optionId })
  run.update({ sessionUpdate: 'config_option_update', configOptions: [] })
  run.update(spoken('user_message_chunk', 'Implement the plan.'))
  return true

  function relay(
    run: Run,
    asked: { toolCall: object; options: Asked['options'] },
    signal: AbortSignal,
  ) {
    const requestId = randomUUID()
    run.console('Relaying permission request')
    run.emit({ type: 'permission_request', requestId, ...asked })
    run.logOnly('_posthog/permission_request', { requestId, toolCallId, ...asked })
    return new Promise<string>((resolve, reject) => {
      // It can be answered when its turn is over, too.
      run.permissions.set(requestId, {
        offers: of === 'question' ? undefined : options.map(option => option.optionId),
        answer: optionId => {
          run.permissions.delete(requestId)
          run.console('Permission response received')
          run.note('_posthog/permission_resolved', { requestId, toolCallId, optionId })
          resolveAsked(run, id, optionId)
          resolve(optionId)
        },
      })
      signal.addEventListener('abort', () => reject(new Interrupted()), { once: true })
    })
  }
}

const resolveAsked = (run: Run, id: number, optionId: string) =>
  run.answer(id, { result: { outcome: { outcome: 'selected', optionId } } })

/** Background runs have this tool. The server around it patches the row, and the workflow tears the sandbox down [W]. */
async function finishRun(
  { status, reason, text, delay, last }: Extract<Behaviour, { kind: 'finishes' }>,
  desk: Desk,
): Promise<End> {
  const { run, settings, signal } = desk
  if (text !== undefined) run.say(text)
  await pause(delay ?? settings.timing.work, signal)
  const mcp = { server: 'posthog-code-tools', tool: 'finish' }
  const _meta = { posthog: { toolName: 'mcp__posthog-code-tools__finish', mcp } }
  const call = {
    title: 'posthog-code-tools/finish',
    kind: 'other',
    rawInput: { status, reason },
    _meta,
  }
  const toolCallId = beginCall(run, call)
  const id = run.ask(
    'session/request_permission',
    {
      sessionId: run.sessionId,
      options: ofTool,
      toolCall: { ...call, toolCallId: 'posthog-code-tools:elicitation' },
    },
    'agent',
  )
  run.console('Permission request')
  resolveAsked(run, id, 'accept')
  await pause(settings.timing.log / 5, signal)
  run.close(status, status === 'failed' ? (reason ?? null) : null)
  if (settings.teardown === 'at once') {
    run.die()
    return forever(signal)
  }
  await pause(settings.timing.log / 10, signal)
  endCall(run, toolCallId, `Run marked ${status}; shutting the sandbox down. Stop here.`)
  spend(run)
  await pause(settings.timing.log / 10, signal)
  speak(run, last ?? 'The run is finished.')
  return done
}

/** What a command prints after its turn. */
function printForEver(run: Run, call: string): void {
  const timer = setInterval(() => endCall(run, call, 'tick\n', 'in_progress'), 1_000).unref()
  run.life.signal.addEventListener('abort', () => clearInterval(timer), { once: true })
}

function pursueGoal(run: Run, texts: readonly string[], ms: number): void {
  const { sessionId } = run
  const go = async () => {
    await pause(ms, run.life.signal)
    for (const [at, text] of texts.entries()) {
      run.note('_posthog/background_turn_started', { sessionId })
      await pause(ms, run.life.signal)
      speak(run, text)
      if (at < texts.length - 1)
        run.note('_posthog/background_turn_complete', { sessionId, stopReason: 'end_turn' })
    }
  }
  go().catch(() => undefined)
}

async function manualTurn(run: Run, signal: AbortSignal): Promise<End> {
  run.byHand = true
  const ended = new Promise<End>(resolve => {
    run.manual = { end: resolve }
  })
  try {
    return await Promise.race([ended, forever(signal)])
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

async function pushToBranch(
  desk: Desk,
  branch: string,
  files?: Record<string, string>,
  how?: HowToCommit,
): Promise<void> {
  const { run, settings, repository } = desk
  await commit(desk, branch, files, how)
  run.working = { name: branch, pull: await settings.hands.openPullFor(repository, branch) }
  runCommand(run, 'git push')
}

async function openOwnPull(plan: Plan, desk: Desk): Promise<string> {
  const { run, repository, settings, base, signal } = desk
  const title = plan.title ?? run.task.title
  const head = await freeBranch(desk, title)
  await commit(desk, head, plan.files)
  run.working = { name: head, pull: undefined }
  await pause(settings.timing.publish, signal)
  const pull = await settings.hands
    .openPull(repository, {
      head,
      base: plan.base ?? base,
      title,
      body: plan.body ?? pullBody(desk),
      draft: true,
    })
    .catch((thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))))
  if (pull instanceof Error) return brokenPull(desk, head, pull)
  run.working = { name: head, pull: { ...pull, base } }
  runCommand(run, 'gh pr create --draft', pull.url)
  claimPull(run, pull.url)
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

/** Seen in the output of a tool, and known to `gh pr view` with what is checked out [P]. */
export function claimPull(run: Run, url: string): void {
  const { pr_urls: before } = run.output ?? {}
  const others = Array.isArray(before) ? before.filter(each => each !== url) : []
  run.addOutput({ pr_url: url, pr_urls: [...others, url] })
  run.console(`Attributed created PR to task run {"prUrl":"${url}"}`)
}

interface HowToCommit {
  anew?: true
  byShell?: true
}

async function commit(
  desk: Desk,
  branch: string,
  files?: Record<string, string>,
  { anew, byShell }: HowToCommit = {},
): Promise<void> {
  const { run, repository, settings, base, baseExists } = desk
  // Its clone has the base still when somebody has taken that off the remote meanwhile.
  const there = baseExists && (await settings.hands.branchExists(repository, base))
  const from = there && !anew ? base : await settings.hands.defaultBranch(repository)
  const edits = files ?? { [`agent/${run.id}.md`]: `${run.task.title}\n` }
  // As its own tool composes it, `git_signed_commit` [P].
  const trailers = `\n\nGenerated-By: PostHog Desktop\nTask-Id: ${run.task.id}`
  const message = `${run.task.title}${byShell ? '' : trailers}`
  const { sha } = await settings.hands.commit(repository, branch, from, edits, message, anew)
  if (!byShell) tellPush(run, { branch, repository }, sha)
}

/** As its tool tells what it pushed last, and where it has pushed [P]. */
function tellPush(run: Run, where: { branch: string; repository: string }, sha: string): void {
  const { head_branches: before } = run.output ?? {}
  const others = Array.isArray(before) ? before.filter(({ branch }) => branch !== where.branch) : []
  const url = `https://github.com/${where.repository}/commit/${sha}`
  const commits = [{ sha, url, subject: run.task.title }]
  run.addOutput({ head_branches: [...others, where], commit_push: { ...where, commits } })
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
