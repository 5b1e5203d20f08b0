/** What the bot does in a thread: react, answer, edit, ask who somebody is. */
import { isNotFound, Rejected, RetryLater } from '../core/model/errors.ts'
import type { Person, Thread } from '../core/model/thread.ts'
import type { CommentRef, InlineComment } from '../core/model/trigger.ts'
import type {
  Closing,
  CommentView,
  OwnComment,
  Permission,
  Reaction,
  Settled,
  Settling,
  Target,
  ThreadState,
} from '../core/model/views.ts'
import type { GitHubApp } from './app-client.ts'
import { attachmentReader } from './attachment-reader.ts'
import { branchesOf } from './branches.ts'
import { permissionOf } from './permission.ts'
import { addReaction, removeReaction } from './reactions.ts'
import { type GivenComment, readAhead, threadKey } from './read-ahead.ts'
import { repositoryFiles } from './repository-files.ts'
import { settleThread } from './settle-thread.ts'

export interface ThreadClientOptions {
  now(): number
  /** Takes secrets out of everything that is written, and of what people wrote. */
  redact(text: string): string
  inOwnWords?(text: string): string
}

/** A thousand comments: whoever was heard before them, and the queue has forgotten, is somebody new. */
const maxPagesOfRepository = 10

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
  const branches = branchesOf({ client, aheads, thread, redact })
  const files = repositoryFiles({ app, client, thread, written: text => redact(inOwnWords(text)) })

  /** Reactions are decoration: nothing but a limit is told of them. */
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

  async function minimize(nodeId: string): Promise<void> {
    await client.graphql(minimizeMutation, { subject: nodeId }).catch(unlessLimited)
  }

  const listComments = (query: { since?: string } = {}): Promise<GivenComment[]> =>
    client.paginate(client.rest.issues.listComments, { ...issue, ...query, per_page: 100 })

  const ownAmong = (comments: readonly OwnWhen[], login: string): OwnComment[] =>
    comments
      .filter(({ user }) => user?.login === login)
      .map(({ id, body, created_at }) => ({ id, body: body ?? '', createdAt: Date.parse(created_at) }))

  return {
    ...branches,
    ...files,
    react,
    unreact,
    assign,
    requestReview,

    async readAhead() {
      // Which comments are its own is asked of them next; asked once, it is known.
      const login = app.botLogin().catch(() => {})
      await readAhead(client, aheads, thread)
      await login
    },

    async earlierComments(): Promise<OwnComment[]> {
      const [login, comments] = await Promise.all([
        app.botLogin(),
        aheads.see(key, 'comments') ?? listComments(),
      ])
      return ownAmong(comments, login)
    },

    async settle(settling: Settling): Promise<Settled> {
      const { amendPull, pull } = branches
      const safe = withoutSecrets(settling, redact)
      const done = settleThread(
        { client, aheads, thread },
        { pull, amendPull, assign, requestReview, react, unreact, minimize },
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

    /** Answers where somebody spoke. Not repeatable: after `NoResponse`, look with `ownComments` first. */
    async comment(text: string, commentRef?: CommentRef): Promise<number> {
      const body = redact(inOwnWords(text))
      if (commentRef?.kind !== 'inline')
        return (await client.rest.issues.createComment({ ...issue, body })).data.id
      const query = { ...at, pull_number: thread.number, comment_id: commentRef.rootId, body }
      return (await client.rest.pulls.createReplyForReviewComment(query)).data.id
    },

    async edit(commentId: number, text: string): Promise<{ nodeId: string } | 'gone'> {
      const body = redact(inOwnWords(text))
      try {
        const { data } = await client.rest.issues.updateComment({ ...at, comment_id: commentId, body })
        return { nodeId: data.node_id }
      } catch (error) {
        if (isNotFound(error)) return 'gone'
        throw error
      }
    },

    minimize,

    async deleteComment(commentId: number): Promise<void> {
      await client.rest.issues.deleteComment({ ...at, comment_id: commentId }).catch(ignoreGone)
    },

    /** Our own comments where `place` is, oldest first; `since` (ms) compares with the time of the last change. */
    async ownComments(since?: number, commentRef?: CommentRef): Promise<OwnComment[]> {
      const query = since === undefined ? {} : { since: new Date(since).toISOString() }
      const [login, comments] = await Promise.all([
        app.botLogin(),
        commentRef?.kind === 'inline'
          ? client.paginate(client.rest.pulls.listReviewComments, {
              ...at,
              pull_number: thread.number,
              ...query,
              per_page: 100,
            })
          : listComments(query),
      ])
      return ownAmong(comments, login)
    },

    async ownCommentsOfRepository() {
      const login = await app.botLogin()
      const query = { ...at, sort: 'created', direction: 'desc', per_page: 100 } as const
      const found: { number: number; body: string }[] = []
      for (let page = 1; page <= maxPagesOfRepository; page += 1) {
        const { data } = await client.rest.issues.listCommentsForRepo({ ...query, page })
        for (const { user, body = '', issue_url } of data)
          if (user?.login === login) found.push({ number: Number(/\/(\d+)$/.exec(issue_url)?.[1]), body })
        if (data.length < query.per_page) break
      }
      return found
    },

    attachments: (commentRef?: CommentRef) =>
      attachmentReader({
        client,
        thread,
        token: () => app.readToken(thread),
        now,
        ...(commentRef ? { commentRef } : {}),
      }),

    async reviewComments(reviewId: number): Promise<InlineComment[]> {
      const query = { ...at, pull_number: thread.number, review_id: reviewId, per_page: 100 }
      const comments = await client.paginate(client.rest.pulls.listCommentsForReview, query)
      // GitHub wraps a reply in a review of its own; the reply speaks for itself.
      return comments
        .filter(comment => !comment.in_reply_to_id)
        .map(comment => ({
          id: comment.id,
          path: redact(comment.path),
          line: comment.line ?? comment.original_line ?? null,
          hunk: redact(comment.diff_hunk),
          body: redact(comment.body),
          author: comment.user?.login ?? 'ghost',
        }))
    },

    async inlineComment(commentId: number): Promise<{ author: string; body: string } | undefined> {
      try {
        const { data } = await client.rest.pulls.getReviewComment({ ...at, comment_id: commentId })
        return { author: data.user?.login ?? 'ghost', body: redact(data.body) }
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },

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
        // GitHub leads on to where a transferred issue is now.
        if (data.number !== thread.number) return undefined
        return {
          open: data.state === 'open',
          locked: data.locked,
          labels: data.labels.map(label => (typeof label === 'string' ? label : (label.name ?? ''))),
          closedBy: closerOf(data),
        }
      }),

    async hasComment({
      in: where,
      commentId,
    }: {
      in: 'thread' | 'inline'
      commentId: number
    }): Promise<boolean> {
      const query = { ...at, comment_id: commentId }
      const { rest } = client
      const found = await unlessGone<unknown>(() =>
        where === 'inline' ? rest.pulls.getReviewComment(query) : rest.issues.getComment(query),
      )
      return found !== undefined
    },

    review: (reviewId: number): Promise<string | undefined> =>
      unlessGone(async () => {
        const query = { ...at, pull_number: thread.number, review_id: reviewId }
        return redact((await client.rest.pulls.getReview(query)).data.body)
      }),

    async comments(): Promise<CommentView[]> {
      const [login, all] = await Promise.all([app.botLogin(), aheads.take(key, 'comments') ?? listComments()])
      const comments = all.filter(({ user }) => user?.login !== login)
      return comments.slice(-100).map(comment => ({
        author: comment.user?.login ?? 'ghost',
        bot: comment.user?.type === 'Bot' || (comment.user?.login ?? '').endsWith('[bot]'),
        body: redact(comment.body ?? ''),
        createdAt: Date.parse(comment.created_at),
        updatedAt: Date.parse(comment.updated_at),
      }))
    },

    async removeLabel(name: string): Promise<void> {
      await client.rest.issues.removeLabel({ ...issue, name }).catch(ignoreGone)
    },
  }
}

type OwnWhen = Pick<GivenComment, 'id' | 'body' | 'created_at'> & { user: { login: string } | null }

function withoutSecrets(settling: Settling, redact: (text: string) => string): Settling {
  const { pull } = settling
  if (pull?.change?.body === undefined) return settling
  return { ...settling, pull: { ...pull, change: { ...pull.change, body: redact(pull.change.body) } } }
}

interface Closable {
  state: string
  closed_by?: { login: string; id: number } | null
}

const closerOf = ({ state, closed_by: by }: Closable): Person | undefined =>
  state === 'open' ? undefined : { login: by?.login ?? 'ghost', id: by?.id ?? 0 }

async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Rejected && (error.status === 404 || error.status === 410)) return undefined
    throw error
  }
}

function unlessLimited(error: unknown): void {
  if (error instanceof RetryLater) throw error
}

function ignoreGone(error: unknown): void {
  if (error instanceof Rejected && (error.status === 404 || error.status === 410)) return
  throw error
}

const minimizeMutation = `mutation minimizeComment($subject: ID!) {
  minimizeComment(input: { subjectId: $subject, classifier: OUTDATED }) { clientMutationId }
}`
