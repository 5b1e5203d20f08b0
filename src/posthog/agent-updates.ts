/** The agent's `session/update` events. Source: the Agent Client Protocol, as PostHog logs it. */
import { z } from 'zod'
import type { ActingStep, AgentAct, PlanStep } from '../core/run/agent-activity.ts'
import { listOf, words } from './bounds.ts'

const text = words(1_000).optional().catch(undefined)

/** GitHub takes less, and a prompt says its message’s id long before. */
export const maxMessage = 100_000
const Part = z.object({ text: words(maxMessage) })

export const AgentUpdate = z.object({
  sessionUpdate: words(100),
  content: z
    .union([Part.transform(part => [part]), listOf(Part, 100).transform(({ items }) => items)])
    .nullish()
    .catch(undefined),
  kind: text,
  title: text,
  locations: listOf(z.object({ path: words(1_000) }), 100)
    .nullish()
    .catch(undefined),
  entries: listOf(z.object({ content: words(1_000), status: text }), 50)
    .nullish()
    .catch(undefined),
})
export type AgentUpdate = z.infer<typeof AgentUpdate>

export function actOf(update: AgentUpdate): AgentAct | undefined {
  if (update.sessionUpdate === 'plan')
    return { kind: 'plan', steps: (update.entries?.items ?? []).map(stepOf) }
  if (!update.sessionUpdate.startsWith('tool_call')) return undefined
  return {
    kind: 'acts',
    doing: doingOf(update),
    files: changes(update) ? (update.locations?.items ?? []).map(({ path }) => path) : [],
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
