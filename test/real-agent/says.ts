/** Replies of the model, in the words of a story. */
import type { Reply } from './model.ts'

export const shell = (cmd: string, given: object = {}): Reply => ({
  calls: [{ name: 'exec_command', arguments: { cmd, ...given } }],
})

const tools = 'mcp__posthog_code_tools'

/** PostHog's own tools are not there until the model looked for them. */
export const finds = (query: string): Reply => ({
  raw: { type: 'tool_search_call', execution: 'client', arguments: { query, limit: 8 } },
})

export const uses = (name: string, given: Record<string, unknown>, text?: string): Reply => ({
  ...(text === undefined ? {} : { text }),
  calls: [{ name, namespace: tools, arguments: given }],
})

export const finishes = (
  status: 'completed' | 'failed',
  reason?: string,
  text?: string,
): Reply[] => [
  finds('finish end this run'),
  uses('finish', reason === undefined ? { status } : { status, reason }, text),
]

/** There is a tool for it in plan mode alone. */
export const question: Reply = {
  calls: [
    {
      name: 'request_user_input',
      arguments: {
        questions: [
          {
            id: 'db',
            header: 'Database',
            question: 'Which database?',
            options: [
              { label: 'Postgres', description: 'The old one.' },
              { label: 'SQLite', description: 'The small one.' },
            ],
          },
        ],
      },
    },
  ],
}
