/** What was asked, and what is known then, for the tables of decisions; each command's is in a test of its own. */
import { expect, test } from 'vitest'
import type { Command, CommandRequest, Conversation, Decision } from '../../src/commands/command.ts'
import type { CommandTrigger } from '../../src/commands/command-context.ts'
import type { StartFacts } from '../../src/commands/new-run.ts'
import type { SettingsToStart } from '../../src/commands/run-options.ts'
import type { CommentTrigger, LabelTrigger, TickTrigger } from '../../src/core/model/trigger.ts'
import type { Marker } from '../../src/core/record/marker.ts'
import type { Run, Waits } from '../../src/core/record/run.ts'
import { grantsOf, noDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import {
  ask,
  head,
  issueThread,
  maya,
  minute,
  pull,
  pullThread,
  runWith,
  stopAsked,
  t0,
  told,
  working,
} from '../core/given.ts'
import { settingsOf } from '../support/deployment.ts'

export const comment: CommentTrigger = {
  kind: 'comment',
  id: 'comment-502',
  deliveryId: 'delivery',
  at: t0 + minute,
  thread: issueThread,
  sender: maya,
  commentRef: { kind: 'thread', commentId: 502 },
  text: '/codex fix it',
  snapshot: { title: 'Login is flaky', body: '', author: 'sam', open: true },
}
export const label: LabelTrigger = { ...comment, kind: 'label', label: 'codex' }

export const asking = (
  trigger: CommandTrigger,
  rest: Partial<CommandRequest> = {},
): CommandRequest => ({
  trigger,
  options: {},
  text: 'fix it',
  runId: 'run-comment-502',
  command: 0,
  ...rest,
})

export const held = (file = '', rest: Partial<SettingsToStart> = {}): SettingsToStart => ({
  settings: settingsOf(file),
  grants: grantsOf(noDeploymentSettings, issueThread.ownerId),
  problem: undefined,
  slips: [],
  usable: true,
  version: 'none',
  usual: { model: 'gpt-5.5', effort: undefined },
  known: {
    models: [
      { name: 'gpt-5.5', efforts: ['low', 'medium', 'high', 'xhigh'] },
      { name: 'gpt-5.6', efforts: undefined },
    ],
    branch: true,
    base: true,
    sandboxes: [],
  },
  ...rest,
})

export const marker: Marker = {
  run: 'run-1',
  repo: 100,
  thread: 7,
  as: 'status',
  task: 'task-1',
  taskRun: 'task-run-1',
}
export const session = { taskId: 'task-1', taskRunId: 'task-run-1', over: false }
export const conversation: Conversation = { marker, session, pull: undefined, lastRun: undefined }

export const tick: TickTrigger = { ...comment, kind: 'tick', box: 'stop', run: 'run-of-before' }
export const withOptions = (options: CommandRequest['options']): CommandRequest =>
  asking(comment, { options })
export const otherModel = withOptions({ model: 'gpt-5.6' })
export const wordless = asking(comment, { text: '' })
export const fork = { ...head, repoId: 200 }
export const onPull = asking({ ...comment, thread: pullThread })
export const labelled = (name: string): CommandRequest =>
  asking({ ...label, label: name }, { text: '' })
export const closed = (trigger: CommandTrigger): CommandTrigger => ({
  ...trigger,
  snapshot: { ...trigger.snapshot, open: false },
})
export const live = working({ request: { ...ask, at: t0 } })
export const ended = working({ result: { outcome: { kind: 'answer' } }, report: { done: told } })
export const waitingWith = (waits: Waits): Run =>
  runWith({ request: { ...ask, at: t0, text: 'fix it' }, schedule: { admitted: false, waits } })
export const stopping = working(stopAsked)
export const withPull = { ...conversation, pull }
export const question = { ...ask, what: 'ask', text: 'why?' } as const
export const start = (facts: StartFacts) => ({ inline: undefined, start: facts })

/** Nobody works in the thread. */
export const free = (rest: Partial<StartFacts & { kind: 'free' }> = {}) =>
  start({
    kind: 'free',
    head: undefined,
    conversation: undefined,
    held: held(),
    closers: [],
    ...rest,
  })
/** Nobody works in the thread, which had a session without a pull request, and this last Run. */
export const since = (lastRun?: Run) => free({ conversation: { ...conversation, lastRun } })
/** Nobody works in the thread, where these settings hold. */
export const settled = (file: string) => free({ held: held(file) })
/** A run works in the thread. */
export const busy = (rest: Partial<StartFacts & { kind: 'busy' }> = {}) =>
  start({ kind: 'busy', live, held: undefined, ...rest })

/** What is decided of “/codex fix it”, or of another request. */
export type Row<Facts> = [when: string, facts: Facts, decision: object, request?: CommandRequest]

export function decides<Facts>(
  command: Command<Facts>,
  rows: readonly Row<Facts>[],
  usual = asking(comment),
): void {
  test.each(rows)(`${command.name}, %s`, (_, facts, expected, request = usual) => {
    const decision: Decision = command.decide(request, facts)
    expect(decision).toMatchObject(expected)
  })
}

export const waits: object = { kind: 'wait' }
export const starts = (run: object = {}): object => ({ kind: 'start', run })
export const doing = (request: object): object => starts({ request })
export const startsPlan = doing({ what: 'plan', options: { permission: 'read-only' } })
export const says = (message: object): object => ({ kind: 'message', message })
