import type { Octokit } from '@octokit/rest'
import { isNotFound } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type { CommitView, PullChange, PullView } from '../core/model/views.ts'
import type { ReadAheads } from './ahead-cache.ts'
import { pullWith } from './pull-query.ts'

interface Repository {
  client: Octokit
  aheads: ReadAheads
  thread: Thread
  redact(text: string): string
}

export function pullsOf({ client, aheads, thread, redact }: Repository) {
  const at = { owner: thread.owner, repo: thread.repo }

  /** The title is stored, so redacted; the body is written back as it is. */
  const viewed = (data: PullData): PullView => ({ ...viewOf(data), title: redact(data.title) })

  async function pull(number: number): Promise<PullView | undefined> {
    try {
      return viewed((await client.rest.pulls.get({ ...at, pull_number: number })).data)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async function pullsFrom(head: string): Promise<PullView[]> {
    const { data } = await client.rest.pulls.list({
      ...at,
      head: `${at.owner}:${head}`,
      state: 'all',
      per_page: 20,
    })
    return data.map(viewed).filter(view => view.head.ref === head && view.head.repoId === thread.repoId)
  }

  async function isBaseOfPull(base: string): Promise<boolean> {
    const { data } = await client.rest.pulls.list({ ...at, base, state: 'open', per_page: 20 })
    return data.some(view => view.base.ref === base)
  }

  return {
    async pull(number: number, person?: { login: string }): Promise<PullView | undefined> {
      if (!person) return pull(number)
      const found = await pullWith({ client, aheads, thread }, number, person.login)
      return found ? { ...found, title: redact(found.title) } : pull(number)
    },

    pullsFrom,

    async isDescendant(ancestor: string, sha: string): Promise<boolean> {
      try {
        const query = { ...at, basehead: `${ancestor}...${sha}`, per_page: 1 }
        const { status } = (await client.rest.repos.compareCommitsWithBasehead(query)).data
        return status === 'ahead' || status === 'identical'
      } catch (error) {
        if (isNotFound(error)) return false
        throw error
      }
    },

    async commitsSince(base: string, head: string): Promise<CommitView[] | undefined> {
      try {
        const query = { ...at, basehead: `${base}...${head}` }
        const { commits } = (await client.rest.repos.compareCommitsWithBasehead(query)).data
        return commits.map(({ sha, author, committer }) => ({
          sha,
          byPerson: isPerson(author) && isPerson(committer),
        }))
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },

    isBaseOfPull,

    /** Not repeatable: after `NoResponse`, look with `pullsFrom` first. */
    async openPull(pull: { head: string; base: string; title: string; body: string }): Promise<PullView> {
      return viewed(
        (await client.rest.pulls.create({ ...at, ...pull, body: redact(pull.body), draft: true })).data,
      )
    },

    async amendPull(number: number, change: PullChange): Promise<PullView> {
      const safe = change.body === undefined ? change : { ...change, body: redact(change.body) }
      return viewed((await client.rest.pulls.update({ ...at, pull_number: number, ...safe })).data)
    },
  }
}

const isPerson = (account: object | null): boolean =>
  account !== null && 'type' in account && account.type === 'User'

interface PullData {
  number: number
  html_url: string
  title: string
  body: string | null
  draft?: boolean | undefined
  state: string
  merged_at: string | null
  head: { ref: string; sha: string; repo: { id: number } | null }
  base: { ref: string }
  user: { login: string; type: string } | null
  created_at: string
}

const viewOf = (data: PullData): PullView => ({
  number: data.number,
  url: data.html_url,
  title: data.title,
  body: data.body ?? '',
  draft: data.draft ?? false,
  state: data.merged_at ? 'merged' : data.state === 'open' ? 'open' : 'closed',
  head: { ref: data.head.ref, sha: data.head.sha, base: data.base.ref, repoId: data.head.repo?.id ?? null },
  author: data.user ? { login: data.user.login, bot: data.user.type === 'Bot' } : undefined,
  createdAt: Date.parse(data.created_at),
  mergedAt: data.merged_at ? Date.parse(data.merged_at) : undefined,
})
