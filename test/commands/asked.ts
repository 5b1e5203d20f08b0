/** What was asked, and what is known then, to start a table of decisions from. */
import type { CommandRequest, Conversation } from '../../src/commands/command.ts'
import type { CommandTrigger } from '../../src/commands/command-context.ts'
import type { SettingsToStart } from '../../src/commands/run-options.ts'
import type { CommentTrigger, LabelTrigger } from '../../src/core/model/trigger.ts'
import type { Marker } from '../../src/core/record/marker.ts'
import { grantsOf, noDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import { issueThread, maya, minute, t0 } from '../core/given.ts'
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
