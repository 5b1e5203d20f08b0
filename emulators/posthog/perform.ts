/** One turn of the agent, per behaviour. */
import { randomUUID } from 'node:crypto'
import type { Desk } from './agent.ts'
import { type Behaviour, type OpensPull, opensPull } from './behaviour.ts'
import { forever, Interrupted, pause } from './pause.ts'
import { publish, pushToBranch } from './publish.ts'
import type { Run } from './run.ts'

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
