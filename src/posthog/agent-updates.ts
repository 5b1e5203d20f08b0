/** The agent's `session/update` events. Source: the Agent Client Protocol, as PostHog logs it. */
import { z } from 'zod'
import type { ActingStep, AgentAct, PlanStep } from '../core/run/agent-activity.ts'

const text = z.string().optional().catch(undefined)

export const AgentUpdate = z.object({
  sessionUpdate: z.string(),
  content: z
    .union([z.object({ text: z.string() }), z.array(z.unknown())])
    .nullish()
    .catch(undefined),
  kind: text,
  title: text,
  locations: z
    .array(z.object({ path: z.string() }))
    .nullish()
    .catch(undefined),
  entries: z
    .array(z.object({ content: z.string(), status: text }))
    .nullish()
    .catch(undefined),
})
export type AgentUpdate = z.infer<typeof AgentUpdate>

export function actOf(update: AgentUpdate): AgentAct | undefined {
  if (update.sessionUpdate === 'plan') return { kind: 'plan', steps: (update.entries ?? []).map(stepOf) }
  if (!update.sessionUpdate.startsWith('tool_call')) return undefined
  return {
    kind: 'acts',
    doing: doingOf(update),
    files: changes(update) ? (update.locations ?? []).map(({ path }) => path) : [],
    command: update.sessionUpdate === 'tool_call' && update.kind === 'execute',
  }
}

const changes = ({ kind = '' }: AgentUpdate): boolean => /^(?:edit|delete|move)$/.test(kind)

const kinds: Readonly<Record<string, ActingStep>> = {
  read: 'reading',
  search: 'reading',
  fetch: 'reading',
  edit: 'editing',
  delete: 'editing',
  move: 'editing',
  think: 'thinking',
}

const checks = /\b(?:tests?|lint|check|tsc|types?|build|pytest|jest|vitest|rspec|eslint|biome|mypy|clippy)\b/i

const doingOf = ({ kind = '', title = '' }: AgentUpdate): ActingStep | undefined =>
  kind === 'execute' ? (checks.test(title) ? 'checking' : 'running') : kinds[kind]

const stepOf = ({ content, status }: { content: string; status?: string | undefined }): PlanStep => ({
  text: content,
  state: status === 'completed' ? 'done' : status === 'in_progress' ? 'current' : 'open',
})
