/** What a reader of the page would see. */

import { type Api, must } from './git.ts'
import { isObject, type JsonObject, listAt, numberAt, textAt } from './json.ts'
import { type Memory, threadKey } from './memory.ts'
import type { ReactionBook } from './reactions.ts'
import { labelNames } from './repairs.ts'

export type PullView = ReturnType<typeof pullView>
/** A row of the list of issues and pull requests. */
export type ThreadRow = Awaited<ReturnType<Threads['list']>>[number]
export type ThreadView = Awaited<ReturnType<typeof threadView>>

interface Parts {
  api: Api
  memory: Memory
  reactions: ReactionBook
}

/** So long a view may be shown again, in milliseconds: a few things change without a request. */
const fresh = 1_000

export class Threads {
  readonly #parts: Parts
  readonly #seen = new Map<string, { view: Promise<ThreadView>; changes: number; until: number }>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Tests look at a thread many times between two changes: that costs one look. */
  thread(repository: string, number: number): Promise<ThreadView> {
    const key = threadKey(repository, number)
    const changes = this.#parts.memory.changesOf(key)
    const seen = this.#seen.get(key)
    if (seen && seen.changes === changes && Date.now() < seen.until) return seen.view
    const view = threadView(this.#parts, repository, number)
    this.#seen.set(key, { view, changes, until: Date.now() + fresh })
    return view
  }

  /** Oldest first. */
  async list(repository: string) {
    const issues = await all(this.#parts.api, `/repos/${repository}/issues?state=all`)
    const rows = issues.map(issue => ({
      number: numberAt(issue, 'number'),
      title: textAt(issue, 'title'),
      kind: 'issue' as const,
      state: textAt(issue, 'state') === 'open' ? ('open' as const) : ('closed' as const),
    }))
    const pulls = await this.pulls(repository)
    return [...rows, ...pulls.map(pull => ({ ...pull, kind: 'pull' as const }))].toSorted(
      (a, b) => a.number - b.number,
    )
  }

  async pull(repository: string, number: number): Promise<PullView> {
    return pullView(await must(this.#parts.api, 'GET', `/repos/${repository}/pulls/${number}`))
  }

  async pulls(repository: string): Promise<PullView[]> {
    return (await all(this.#parts.api, `/repos/${repository}/pulls?state=all&direction=asc`)).map(
      pullView,
    )
  }

  async branches(repository: string): Promise<string[]> {
    return (await all(this.#parts.api, `/repos/${repository}/branches`)).map(branch =>
      textAt(branch, 'name'),
    )
  }
}

async function all(api: Api, path: string): Promise<JsonObject[]> {
  const found: JsonObject[] = []
  for (let page = 1; ; page++) {
    const query = `${path.includes('?') ? '&' : '?'}per_page=100&page=${page}`
    const given = await must(api, 'GET', path + query)
    const items = Array.isArray(given) ? given.filter(isObject) : []
    found.push(...items)
    if (items.length < 100) return found
  }
}

async function threadView(parts: Parts, repository: string, number: number) {
  const { api, memory } = parts
  const base = `/repos/${repository}`
  const issue = await must(api, 'GET', `${base}/issues/${number}`)
  const isPull = memory.pulls.has(threadKey(repository, number))
  const comments = await all(api, `${base}/issues/${number}/comments`)
  const reviews = isPull ? await all(api, `${base}/pulls/${number}/reviews`) : []
  const lines = isPull ? await all(api, `${base}/pulls/${number}/comments`) : []
  return {
    ...written(issue),
    number,
    title: textAt(issue, 'title'),
    createdAt: textAt(issue, 'created_at'),
    state: textAt(issue, 'state'),
    locked: isObject(issue) && issue.locked === true,
    labels: isObject(issue) ? labelNames(issue) : [],
    comments: comments.map(comment => commentView(parts, comment)),
    reactions: reactionsOn(parts, issue),
    /** Of an issue. */
    linkedBranches: memory.linkedBranches.get(threadKey(repository, number)) ?? [],
    /** Of a pull request: its reviews and the comments on its lines. */
    reviews: reviews.map(one => ({
      ...written(one),
      id: numberAt(one, 'id'),
      state: textAt(one, 'state'),
      createdAt: textAt(one, 'submitted_at'),
      reactions: reactionsOn(parts, one),
    })),
    lineComments: lines.map(one => ({
      ...commentView(parts, one),
      path: textAt(one, 'path'),
      line: numberAt(one, 'line'),
      /** Of a comment on several. */
      startLine: memory.reviewLines.get(numberAt(one, 'id'))?.startLine,
      replyTo: numberAt(one, 'in_reply_to_id'),
      resolved: memory.resolved.has(numberAt(one, 'in_reply_to_id') || numberAt(one, 'id')),
    })),
    pull: isPull ? pullView(await must(api, 'GET', `${base}/pulls/${number}`)) : undefined,
  }
}

const commentView = (parts: Parts, comment: JsonObject) => ({
  ...written(comment),
  id: numberAt(comment, 'id'),
  createdAt: textAt(comment, 'created_at'),
  updatedAt: textAt(comment, 'updated_at'),
  reactions: reactionsOn(parts, comment),
  minimized: parts.memory.minimized.has(textAt(comment, 'node_id')),
})

/** Such as `eyes by codex-bot[bot]`. */
const reactionsOn = ({ reactions }: Parts, subject: unknown): string[] =>
  reactions.of(textAt(subject, 'node_id')).map(({ content, login }) => `${content} by ${login}`)

const written = (object: unknown): { author: string; body: string } => ({
  author: textAt(object, 'user', 'login'),
  body: textAt(object, 'body'),
})

function pullView(pull: unknown) {
  const state = isObject(pull) && pull.merged === true ? 'merged' : textAt(pull, 'state')
  return {
    ...written(pull),
    number: numberAt(pull, 'number'),
    title: textAt(pull, 'title'),
    state: state === 'merged' || state === 'open' ? state : ('closed' as const),
    draft: isObject(pull) && pull.draft === true,
    head: textAt(pull, 'head', 'ref'),
    headRepository: textAt(pull, 'head', 'repo', 'full_name'),
    base: textAt(pull, 'base', 'ref'),
    sha: textAt(pull, 'head', 'sha'),
    url: textAt(pull, 'html_url'),
    /** Who is assigned or asked for a review. */
    involved: ['assignees', 'requested_reviewers'].flatMap(of =>
      listAt(pull, of).map(one => textAt(one, 'login')),
    ),
  }
}
