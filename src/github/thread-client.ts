/** GitHub as one thread needs it. */
import { isNotFound } from '../core/model/errors.ts'
import type { Person, Thread } from '../core/model/thread.ts'
import type { CommentRef } from '../core/model/trigger.ts'
import type {
  Closing,
  Permission,
  Reaction,
  Settled,
  Settling,
  Target,
  ThreadState,
} from '../core/model/views.ts'
import { threadKey } from './ahead-cache.ts'
import type { GitHubApp } from './app-client.ts'
import { attachmentReader } from './attachment-files.ts'
import { branchesOf } from './branches.ts'
import { pagesOf } from './pages.ts'
import { permissionOf } from './permission.ts'
import { pullsOf } from './pull-requests.ts'
import { addReaction, removeReaction } from './reactions.ts'
import { readAhead } from './read-ahead.ts'
import { repositoryFiles } from './repository-files.ts'
import { ignoreGone, unlessGone, unlessLimited } from './response-faults.ts'
import { settleThread } from './settle-thread.ts'
import { commentsOf } from './thread-comments.ts'

export interface ThreadClientOptions {
  now(): number
  /** Redacts what we write and what people wrote. */
  redact(text: string): string
  inOwnWords?(text: string): string
}

export function gitHubThread(
  app: GitHubApp,
  thread: Thread,
  { now, redact, inOwnWords = text => text }: ThreadClientOptions,
) {
  const client = app.forRepo(thread)
  const at = { owner: thread.owner, repo: thread.repo }
  const issue = { ...at, issue_number: thread.number }

  const { aheads } = app
  const key = threadKey(thread)
  const pulls = pullsOf({ client, aheads, thread, redact })
  const branches = branchesOf({ client, aheads, thread }, pulls)
  const written = (text: string): string => redact(inOwnWords(text))
  const comments = commentsOf({ app, client, thread, redact, written })
  const pages = pagesOf({
    client,
    thread,
    cap: app.renderings,
    hasGraphql: () => !aheads.isAbsent(),
    redact,
    now,
  })
  const files = repositoryFiles({ app, client, thread, written })

  /** Failures do not matter, except for a limit. */
  async function react(target: Target, content: Reaction): Promise<void> {
    await addReaction(client, at, issue, target, content).catch(unlessLimited)
  }

  async function unreact(target: Target, content: Reaction): Promise<void> {
    const login = await app.botLogin()
    await removeReaction(client, at, issue, target, { content, login }).catch(unlessLimited)
  }

  async function assign(number: number, login: string): Promise<void> {
    await client.rest.issues.addAssignees({ ...at, issue_number: number, assignees: [login] })
  }

  async function requestReview(number: number, login: string): Promise<void> {
    await client.rest.pulls.requestReviewers({ ...at, pull_number: number, reviewers: [login] })
  }

  return {
    ...branches,
    ...pulls,
    ...comments,
    ...files,
    ...pages,
    react,
    unreact,
    assign,
    requestReview,

    async readAhead() {
      // Needed next, to recognize own comments; cached.
      const login = app.botLogin().catch(() => {})
      await readAhead(client, aheads, thread)
      await login
    },

    async settle(settling: Settling): Promise<Settled> {
      const { amendPull, pull } = pulls
      const safe = withoutSecrets(settling, redact, written)
      const done = settleThread(
        { client, aheads, thread },
        { pull, amendPull, assign, requestReview, react, unreact, minimize: comments.minimize },
        safe,
      )
      if (settling.pull) return done
      return done.catch(error => {
        unlessLimited(error)
        return { refused: [] }
      })
    },

    /** @throws Rejected with 404 for somebody unknown */
    async permission(login: string): Promise<Permission> {
      const { data } = await client.rest.repos.getCollaboratorPermissionLevel({ ...at, username: login })
      return permissionOf(data)
    },

    attachments: (commentRef?: CommentRef) =>
      attachmentReader({
        client,
        thread,
        token: () => app.readToken(thread),
        now,
        commentRef,
      }),

    async isInTeam(team: string, login: string): Promise<boolean> {
      try {
        const query = { org: at.owner, team_slug: team, username: login }
        return (
          (await app.forTeams(thread).rest.teams.getMembershipForUserInOrg(query)).data.state === 'active'
        )
      } catch (error) {
        if (isNotFound(error)) return false
        throw error
      }
    },

    async closing(when?: 'now'): Promise<Closing | undefined> {
      if (when !== 'now') {
        await aheads.fetch(thread)
        if (aheads.see(key, 'open') === undefined) await readAhead(client, aheads, thread)
        if (aheads.take(key, 'open')) return undefined
      }
      const { data } = await client.rest.issues.get(issue)
      const by = closerOf(data)
      return by && { by, at: Date.parse(data.closed_at ?? data.updated_at) }
    },

    state: (): Promise<ThreadState | undefined> =>
      unlessGone(async () => {
        const { data } = await client.rest.issues.get(issue)
        // GitHub redirects to a transferred issue.
        if (data.number !== thread.number) return undefined
        return {
          open: data.state === 'open',
          locked: data.locked,
          labels: data.labels.map(label => (typeof label === 'string' ? label : (label.name ?? ''))),
          closedBy: closerOf(data),
        }
      }),

    async removeLabel(name: string): Promise<void> {
      await client.rest.issues.removeLabel({ ...issue, name }).catch(ignoreGone)
    },
  }
}

type Rewrite = (text: string) => string

function withoutSecrets(settling: Settling, redact: Rewrite, written: Rewrite): Settling {
  const { pull, status } = settling
  const body = pull?.change?.body
  return {
    ...settling,
    pull: pull && body !== undefined ? { ...pull, change: { ...pull.change, body: redact(body) } } : pull,
    status: status && { ...status, text: written(status.text) },
  }
}

interface Closable {
  state: string
  closed_by?: { login: string; id: number } | null
}

const closerOf = ({ state, closed_by: by }: Closable): Person | undefined =>
  state === 'open' ? undefined : { login: by?.login ?? 'ghost', id: by?.id ?? 0 }
