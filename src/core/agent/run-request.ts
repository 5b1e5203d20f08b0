/**
 * The contract of PostHog's `CodexTaskRunCreateSchema`: the body of `POST …/tasks/{id}/run/` for a run on
 * the Codex runtime. All its fourteen fields, with its enums, limits, formats, defaults and required
 * fields, plus `auto_publish`, without which newer servers open no pull request. Keys are left out, never
 * null: the server refuses null for every field but `branch` and `auto_publish`.
 */
import { CodexTaskRunBody, type CodexTaskRunCreate, mayPublish } from '../model/codex-task-run-create.ts'
import type { RunOptions } from '../record/request-part.ts'
import { sendable } from '../text/invisible.ts'

export interface TaskRunInput extends RunOptions {
  branch: string
  prompt: string
  resumeFrom?: string
  attachments?: readonly string[]
  userToken?: string
}

/** Where PostHog takes each choice; `undefined` for one that only the bot heeds. */
const fields: Readonly<Record<keyof RunOptions, keyof CodexTaskRunCreate | undefined>> = {
  model: 'model',
  effort: 'reasoning_effort',
  branch: 'branch',
  base: undefined,
  permission: 'initial_permission_mode',
  mode: 'mode',
  sandbox: 'sandbox_environment_id',
  authorship: 'pr_authorship_mode',
  signalReport: 'signal_report_id',
  force: undefined,
}

const fieldsByName = new Map<string, keyof CodexTaskRunCreate | undefined>(Object.entries(fields))

/** @throws ZodError for a value that should have been checked before */
export function runRequest(request: TaskRunInput): CodexTaskRunCreate {
  const { resumeFrom, prompt, attachments, authorship, userToken, permission } = request
  const chosen = Object.entries(request).flatMap(([name, value]) => {
    const field = fieldsByName.get(name)
    return field === undefined || value === undefined ? [] : [[field, value]]
  })
  return CodexTaskRunBody.parse({
    ...Object.fromEntries(chosen),
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
  key: keyof CodexTaskRunCreate,
  value: unknown,
): Partial<Record<keyof CodexTaskRunCreate, unknown>> => (value === undefined ? {} : { [key]: value })
