/**
 * The body of `POST …/tasks/{id}/run/` for a run on the Codex runtime: PostHog's `CodexTaskRunCreateSchema`, plus
 * `auto_publish`, without which newer servers open no pull request. docs/settings.md says who sets each field. Keys are
 * left out, never null: the server refuses null for every field but `branch` and `auto_publish`.
 */
import { infoOf, type Options, optionNames } from '../command/options.ts'
import {
  CodexTaskRunBody,
  type CodexTaskRunCreate,
  mayPublish,
} from '../model/codex-task-run-create.ts'
import type { RunOptions } from '../record/request-part.ts'
import { sendable } from '../text/invisible.ts'

export interface TaskRunInput extends RunOptions {
  branch: string
  prompt: string
  resumeFrom?: string
  attachments?: readonly string[]
  userToken?: string
}

/** @throws ZodError for a value that should have been checked before */
export function runRequest(request: TaskRunInput): CodexTaskRunCreate {
  const { branch, mode, resumeFrom, prompt, attachments, authorship, userToken, permission } =
    request
  const options: Options = request
  const chosen = optionNames.map(name => present(infoOf(name).field, options[name]))
  return CodexTaskRunBody.parse({
    ...Object.assign({}, ...chosen),
    branch,
    mode,
    ...present('initial_permission_mode', permission),
    ...present('resume_from_run_id', resumeFrom),
    pending_user_message: sendable(prompt),
    ...present('pending_user_artifact_ids', attachments?.length ? attachments : undefined),
    run_source: request.signalReport === undefined ? 'manual' : 'signal_report',
    runtime_adapter: 'codex',
    ...present('github_user_token', authorship === 'user' ? userToken : undefined),
    auto_publish: mayPublish(permission),
  })
}

const present = (
  key: keyof CodexTaskRunCreate | undefined,
  value: unknown,
): Partial<Record<keyof CodexTaskRunCreate, unknown>> =>
  key === undefined || value === undefined ? {} : { [key]: value }
