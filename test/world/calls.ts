/** Names the calls that the bot made, so that a table of them can be read. */
import type { Call } from '../../emulators/github/ledger.ts'
import type { World } from './world.ts'

const variable = /^(?:\d+|[0-9a-f]{40}|[0-9a-f-]{36}|.*\.\.\..*)$/

/** `POST issues/comments`, `graphql threadAhead`. */
export function nameOfCall({ method, path, body }: Pick<Call, 'method' | 'path' | 'body'>): string {
  if (path === '/graphql') {
    const query =
      typeof body === 'object' && body !== null && 'query' in body ? String(body.query) : ''
    return `graphql ${/^\s*(?:query|mutation)\s+(\w+)/.exec(query)?.[1] ?? '?'}`
  }
  const parts = decodeURIComponent(path)
    .replace(/^\/repos\/[^/]+\/[^/]+\//, '')
    .replace(/(?<=heads\/).*/, '')
    .split('/')
  return `${method} ${parts.filter(part => part !== '' && !variable.test(part)).join('/')}`
}

const chore =
  /^\/(?:app\/hook\/deliveries|installation\/repositories|repos\/[^/]+\/[^/]+\/issues\/comments$)/

/** What the bot looks for now and then, for no thread: lost runs, and deliveries that nobody took. */
export const isChore = ({ path, body }: Pick<Call, 'path' | 'body'>): boolean =>
  chore.test(path) || (path.endsWith('/access_tokens') && !/"repositor/.test(JSON.stringify(body)))

/** In the order of the alphabet, for what is done side by side comes in any order. */
export const callsOf = (calls: readonly Call[]): string[] =>
  calls
    .filter(call => !isChore(call))
    .map(nameOfCall)
    .toSorted()

/** What PostHog accepted for a thread, told apart by the marker in the task. */
export function ledgerOf(world: World, number: number, repository = world.github.repository) {
  const tasks = world.posthog.ledger.filter(
    entry =>
      entry.kind === 'task' && JSON.stringify(entry.body).includes(`[gh:${repository}#${number}:`),
  )
  const ids = new Set(tasks.map(({ taskId }) => taskId))
  const of = (kind: string) =>
    world.posthog.ledger.filter(entry => entry.kind === kind && ids.has(entry.taskId))
  return {
    tasks,
    runs: of('run'),
    messages: of('message'),
    cancels: of('cancel'),
    commands: of('command'),
  }
}
