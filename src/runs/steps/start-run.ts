/**
 * The steps that begin the agent's work: `create-task` makes a task at PostHog, `start-run` a run of it.
 * They leave the ids of both in the session.
 */
import { promptOf } from '../../core/agent/prompt.ts'
import { runRequest } from '../../core/agent/run-request.ts'
import { flagOf, notGranted } from '../../core/command/options.ts'
import { nounOf, threadName } from '../../core/model/thread.ts'
import { grantTakenBack } from '../../core/record/failures.ts'
import { openIntent } from '../../core/record/intents.ts'
import { instructionSent, nextWord } from '../../core/record/ledger.ts'
import { handedOver } from '../../core/record/messages.ts'
import { failed } from '../../core/record/outcome.ts'
import {
  type ChangeOf,
  type Run,
  resumedSession,
  taskMarker,
  wantedRights,
} from '../../core/record/run.ts'
import type { SessionLog } from '../../core/record/session-part.ts'
import { limits } from '../../core/record/timing.ts'
import { contextGiven, nextWords } from '../../core/record/words-to-say.ts'
import { stripInvisible } from '../../core/text/invisible.ts'
import { once, type StepContext, step } from './step-context.ts'

type StartChange = ChangeOf<'session' | 'schedule' | 'mailbox' | 'report' | 'workspace'>

export const startRun = step('start-run', {
  posthog: ['startRun', 'runIds', 'sandboxes'],
  writes: ['session', 'schedule', 'mailbox', 'report', 'workspace', 'result'],
  async do(context) {
    const { run, deps, posthog } = context
    const { taskId, taskMade, began } = run.session
    const { branch } = run.workspace
    if (taskId === undefined || !branch) return {}
    const lost = openIntent(run, 'start-run') ? undefined : await lostGrant(context)
    if (lost !== undefined) return failed(context.run, grantTakenBack(lost), context.deps.now())
    const isFirst = taskMade && !instructionSent(run) && !began
    const intent = {
      kind: 'start-run' as const,
      at: deps.now(),
      before:
        openIntent(run, 'start-run')?.before ??
        (isFirst ? [] : runIdsBefore(run, await posthog.runIds(taskId))),
    }
    const id = await once(context, {
      intent,
      begins: true,
      find: async () =>
        (await posthog.runIds(taskId)).find(known => !intent.before.includes(known)),
      perform: () => posthog.startRun(taskId, taskRunRequest(context, branch.name), intent.before),
    })
    return justStarted(context, { id, offset: 0, may: wantedRights(context.run) })
  },
})

/** If the record lags, one that is newer than its earlier session may be its own. Newest first. */
function runIdsBefore({ attempts, session: { earlier } }: Run, ids: string[]) {
  const at = attempts.lagsSince === undefined || !earlier ? -1 : ids.indexOf(earlier.taskRunId)
  return at === -1 ? ids : ids.slice(at)
}

function taskRunRequest(context: StepContext, branch: string) {
  const { run, deps } = context
  const attached = instructionSent(run) ? undefined : run.workspace.attachments
  return runRequest({
    ...run.request.options,
    branch,
    prompt: promptOf(run, nextWords(run), deps.fence(), attached?.names),
    resumeFrom: resumedSession(run)?.taskRunId,
    attachments: attached?.ids,
    userToken: deps.userToken,
  })
}

/** What the Run was granted when it was asked for, and is not any more: the option's flag. */
export async function lostGrant(
  context: StepContext<never, 'sandboxes'>,
): Promise<string | undefined> {
  const { run, deps, posthog } = context
  const { options } = run.request
  const { granted, sandboxes } = deps.settings.grantsOf(run.thread)
  const lost = notGranted(options, granted)
  if (lost) return flagOf(lost)
  const { sandbox } = options
  if (sandbox === undefined || sandboxes.some(name => name.toLowerCase() === sandbox))
    return undefined
  const view = (await posthog.sandboxes()).find(({ id }) => id === sandbox)
  const isGranted = sandboxes.some(name => name.toLowerCase() === view?.name.toLowerCase())
  return isGranted ? undefined : flagOf('sandbox')
}

type Begun = Pick<NonNullable<Run['session']['taskRun']>, 'id' | 'may'> &
  Pick<SessionLog, 'offset' | 'permissionRequest' | 'laterRequests'>

/** Looked at first when there is something to see; its stream tells of what comes before. */
export async function justStarted(
  { run, deps }: StepContext,
  { id, may, ...log }: Begun,
): Promise<StartChange> {
  const now = deps.now()
  const { taskId, began } = run.session
  const { round } = run.result
  if (taskId !== undefined) deps.stream.watch({ taskId, taskRunId: id }, run)
  const next = nextWord(run)
  return {
    ...(next ? handedOver(run, next, id) : {}),
    ...contextGiven(run, nextWords(run)),
    session: {
      began: began?.round === round ? began : { round, at: now },
      taskRun: { id, since: now, status: 'queued', from: log.offset, changedAt: now, may },
      sessionLog: { ...log, prompts: [], turns: 0 },
    },
    schedule: { nextPollAt: now + limits.soonestPoll, streamedSince: undefined },
  }
}

const maxTaskTitle = 255

export const createTask = step('create-task', {
  posthog: ['integrationFor', 'createTask', 'findTask'],
  writes: ['session'],
  async do(context) {
    const { run, deps, posthog } = context
    const marker = taskMarker(run)
    const name = ` (${threadName(run.thread)})`
    const seen = stripInvisible(run.baseline.snapshot.title)
    const title = `${[...seen].slice(0, maxTaskTitle - name.length).join('')}${name}`
    const instruction = run.request.text || `Do what the ${nounOf(run.thread)} describes.`
    const repository = `${run.thread.owner}/${run.thread.repo}`
    // It is asked before the lock is looked at: a worker may sleep through a call, and would then make a second task.
    const integration = await posthog.integrationFor(repository)
    const taskId = await once(context, {
      intent: { kind: 'create-task', at: deps.now() },
      begins: true,
      find: () => posthog.findTask(marker),
      perform: () =>
        posthog.createTask({
          title,
          description: `${instruction}\n\nAsked by ${run.request.by.login} on ${run.thread.url}\n${marker}`,
          repository,
          integration,
        }),
    })
    return { session: { taskId, taskMade: true } }
  },
})
