/** What a reader of the page would see. */

import { type Api, must } from './git.ts'
import { isObject, type JsonObject, listAt, numberAt, textAt } from './json.ts'
import { type Memory, threadKey } from './memory.ts'
import type { ReactionBook } from './reactions.ts'
import { labelNames } from './repairs.ts'

export interface CommentView {
  id: number
  author: string
  body: string
  createdAt: string
  updatedAt: string
  /** Such as `eyes by codex-bot[bot]`. */
  reactions: string[]
  minimized: boolean
}

export interface PullView {
  number: number
  title: string
  body: string
  author: string
  state: 'open' | 'closed' | 'merged'
  draft: boolean
  head: string
  headRepository: string
  base: string
  sha: string
  url: string
  /** Who is assigned or asked for a review. */
  involved: string[]
}

/** A row of the list of issues and pull requests. */
export interface ThreadRow {
  number: number
  title: string
  kind: 'issue' | 'pull'
  state: PullView['state']
}

export interface ThreadView {
  number: number
  title: string
  body: string
  author: string
  createdAt: string
  state: string
  locked: boolean
  labels: string[]
  comments: CommentView[]
  reactions: string[]
  /** Of an issue. */
  linkedBranches: string[]
  /** Of a pull request: its reviews and the comments on its lines. */
  reviews: {
    id: number
    author: string
    state: string
    body: string
    createdAt: string
    reactions: string[]
  }[]
  lineComments: (CommentView & { path: string; line: number; replyTo: number })[]
  pull: PullView | undefined
}

/** So long a view may be shown again, in milliseconds: a few things change without a request. */
const fresh = 1_000

export class Threads {
  readonly #api: Api
  readonly #memory: Memory
  readonly #reactions: ReactionBook
  readonly #seen = new Map<string, { view: Promise<ThreadView>; changes: number; until: number }>()

  constructor(parts: { api: Api; memory: Memory; reactions: ReactionBook }) {
    this.#api = parts.api
    this.#memory = parts.memory
    this.#reactions = parts.reactions
  }

  /** Tests look at a thread many times between two changes: that costs one look. */
  thread(repository: string, number: number): Promise<ThreadView> {
    const key = threadKey(repository, number)
    const changes = this.#memory.changesOf(key)
    const seen = this.#seen.get(key)
    if (seen && seen.changes === changes && Date.now() < seen.until) return seen.view
    const view = this.#read(repository, number)
    this.#seen.set(key, { view, changes, until: Date.now() + fresh })
    return view
  }

  async #read(repository: string, number: number): Promise<ThreadView> {
    const base = `/repos/${repository}`
    const issue = await must(this.#api, 'GET', `${base}/issues/${number}`)
    const isPull = this.#memory.pulls.has(threadKey(repository, number))
    const comments = await this.#all(`${base}/issues/${number}/comments`)
    const reviews = isPull ? await this.#all(`${base}/pulls/${number}/reviews`) : []
    const lines = isPull ? await this.#all(`${base}/pulls/${number}/comments`) : []
    return {
      ...written(issue),
      number,
      title: textAt(issue, 'title'),
      createdAt: textAt(issue, 'created_at'),
      state: textAt(issue, 'state'),
      locked: isObject(issue) && issue.locked === true,
      labels: isObject(issue) ? labelNames(issue) : [],
      comments: comments.map(comment => this.#comment(comment)),
      reactions: this.#reactionsOn(issue),
      linkedBranches: this.#memory.linkedBranches.get(threadKey(repository, number)) ?? [],
      reviews: reviews.map(one => ({
        ...written(one),
        id: numberAt(one, 'id'),
        state: textAt(one, 'state'),
        createdAt: textAt(one, 'submitted_at'),
        reactions: this.#reactionsOn(one),
      })),
      lineComments: lines.map(one => ({
        ...this.#comment(one),
        path: textAt(one, 'path'),
        line: numberAt(one, 'line'),
        replyTo: numberAt(one, 'in_reply_to_id'),
      })),
      pull: isPull ? await this.pull(repository, number) : undefined,
    }
  }

  /** Oldest first. */
  async list(repository: string): Promise<ThreadRow[]> {
    const issues = await this.#all(`/repos/${repository}/issues?state=all`)
    const rows = issues.map((issue): ThreadRow => {
      const state = textAt(issue, 'state') === 'open' ? 'open' : 'closed'
      return { number: numberAt(issue, 'number'), title: textAt(issue, 'title'), kind: 'issue', state }
    })
    const pulls = await this.pulls(repository)
    return [...rows, ...pulls.map(pull => ({ ...pull, kind: 'pull' as const }))].toSorted(
      (a, b) => a.number - b.number,
    )
  }

  async pull(repository: string, number: number): Promise<PullView> {
    return pullView(await must(this.#api, 'GET', `/repos/${repository}/pulls/${number}`))
  }

  async pulls(repository: string): Promise<PullView[]> {
    return (await this.#all(`/repos/${repository}/pulls?state=all&direction=asc`)).map(pullView)
  }

  async branches(repository: string): Promise<string[]> {
    return (await this.#all(`/repos/${repository}/branches`)).map(branch => textAt(branch, 'name'))
  }

  #comment(comment: JsonObject): CommentView {
    return {
      ...written(comment),
      id: numberAt(comment, 'id'),
      createdAt: textAt(comment, 'created_at'),
      updatedAt: textAt(comment, 'updated_at'),
      reactions: this.#reactionsOn(comment),
      minimized: this.#memory.minimized.has(textAt(comment, 'node_id')),
    }
  }

  #reactionsOn(subject: unknown): string[] {
    return this.#reactions
      .of(textAt(subject, 'node_id'))
      .map(({ content, login }) => `${content} by ${login}`)
  }

  async #all(path: string): Promise<JsonObject[]> {
    const all: JsonObject[] = []
    for (let page = 1; ; page++) {
      const found = await must(
        this.#api,
        'GET',
        `${path}${path.includes('?') ? '&' : '?'}per_page=100&page=${page}`,
      )
      const items = Array.isArray(found) ? found.filter(isObject) : []
      all.push(...items)
      if (items.length < 100) return all
    }
  }
}

const written = (object: unknown): { author: string; body: string } => ({
  author: textAt(object, 'user', 'login'),
  body: textAt(object, 'body'),
})

function pullView(pull: unknown): PullView {
  const isMerged = isObject(pull) && pull.merged === true
  return {
    ...written(pull),
    number: numberAt(pull, 'number'),
    title: textAt(pull, 'title'),
    state: isMerged ? 'merged' : textAt(pull, 'state') === 'open' ? 'open' : 'closed',
    draft: isObject(pull) && pull.draft === true,
    head: textAt(pull, 'head', 'ref'),
    headRepository: textAt(pull, 'head', 'repo', 'full_name'),
    base: textAt(pull, 'base', 'ref'),
    sha: textAt(pull, 'head', 'sha'),
    url: textAt(pull, 'html_url'),
    involved: ['assignees', 'requested_reviewers'].flatMap(of =>
      listAt(pull, of).map(one => textAt(one, 'login')),
    ),
  }
}
