import { randomUUID } from 'node:crypto'

export interface Task {
  id: string
  number: number
  title: string
  titleManuallySet: boolean
  description: string
  /** By the agent, at most 1,500 characters. */
  summary: string | null
  originProduct: string
  repository: string | null
  repositories: string[]
  githubIntegration: number | null
  jsonSchema: unknown
  ciPrompt: string | null
  runtime: string
  archivedAt: Date | null
  createdBy: number
  createdAt: Date
  updatedAt: Date
  /** Lists don't show it before this time (a lagging replica). */
  listedFrom: number
  deleted: boolean
}

export type NewTask = Pick<
  Task,
  | 'title'
  | 'titleManuallySet'
  | 'description'
  | 'originProduct'
  | 'repository'
  | 'repositories'
  | 'githubIntegration'
  | 'jsonSchema'
  | 'ciPrompt'
  | 'runtime'
  | 'createdBy'
  | 'number'
>

export function newTask(given: NewTask, staleMs: number): Task {
  const now = new Date()
  return {
    ...given,
    id: randomUUID(),
    summary: null,
    archivedAt: null,
    createdAt: now,
    updatedAt: now,
    listedFrom: now.getTime() + staleMs,
    deleted: false,
  }
}
