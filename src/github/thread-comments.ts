/** Comments and reviews of a thread: what others wrote, and what we say there. */
import type { RestEndpointMethodTypes } from '@octokit/rest'
import { z } from 'zod'
import type { ThreadClient } from '../core/model/ports.ts'
import type { CommentView, OwnComment, Posted } from '../core/model/views.ts'
import { attachmentReader } from './attachment-files.ts'
import { named, nodesOf, query, subjectQuery } from './graphql.ts'
import { remarksOf } from './pull-requests.ts'
import type { ThreadAccess } from './read-ahead.ts'
import { unlessGone } from './request-rules.ts'
import { isInsider } from './webhooks/event.ts'

export function commentsOf(access: ThreadAccess): ThreadClient['comments'] {
  const { app, client, thread, at, issue, prefetched, redact, written } = access

  /** Page by page, of which `keep` says what is held: a thread may have thousands of long ones. */
  async function listComments(
    since: number | undefined,
    keep: (comments: CommentView[]) => CommentView[],
  ): Promise<CommentView[]> {
    const query = { ...issue, ...(since === undefined ? {} : { since: iso(since) }), per_page: 100 }
    const pages = client.paginate
      .iterator(client.rest.issues.listComments, query)
      [Symbol.asyncIterator]()
    let kept: CommentView[] = []
    // Nothing of a page is held while others have their turns.
    const readPage = async () => {
      const { done, value: page } = await pages.next()
      if (!done) kept = keep([...kept, ...page.data.map(viewOf)])
      return done !== true
    }
    while (await app.commentPages(readPage));
    return kept
  }

  const listOwn = (login: string, since?: number): Promise<CommentView[]> =>
    listComments(since, comments => comments.filter(({ author }) => author === login))

  const ownAmong = (comments: readonly CommentView[], login: string): OwnComment[] =>
    comments.flatMap(({ author, id, nodeId, body, createdAt }) =>
      author === login ? [{ id, nodeId, body, createdAt }] : [],
    )

  return {
    async earlier(since) {
      const login = await app.botLogin()
      return ownAmong(prefetched.see('comments') ?? (await listOwn(login, since)), login)
    },

    /** Replies where somebody wrote. Not repeatable: after `NoResponse`, look with `own` first. */
    async post(text, replyRef) {
      const body = written(text)
      if (replyRef?.kind !== 'inline')
        return posted(await client.rest.issues.createComment({ ...issue, body }))
      const query = { ...at, pull_number: thread.number, comment_id: replyRef.rootId, body }
      return posted(await client.rest.pulls.createReplyForReviewComment(query))
    },

    async edit(commentId, text, replyRef) {
      const query = { ...at, comment_id: commentId, body: written(text) }
      const { issues, pulls } = client.rest
      const edited = await unlessGone<{ data: { node_id: string } }>(() =>
        replyRef?.kind === 'inline'
          ? pulls.updateReviewComment(query)
          : issues.updateComment(query),
      )
      return edited ? { nodeId: edited.data.node_id } : 'gone'
    },

    /** Our comments, oldest first. @param since ms since the epoch, compared with the last change */
    async own(since, replyRef) {
      const login = await app.botLogin()
      if (replyRef?.kind !== 'inline') return ownAmong(await listOwn(login, since), login)
      const query = { ...at, pull_number: thread.number, per_page: 100 }
      return client.paginate(
        client.rest.pulls.listReviewComments,
        since === undefined ? query : { ...query, since: iso(since) },
        ({ data }) => ownAmong(data.map(viewOf), login),
      )
    },

    find: ({ in: where, commentId }) =>
      unlessGone(async () => {
        const query = { ...at, comment_id: commentId }
        const { issues, pulls } = client.rest
        const read = where === 'inline' ? pulls.getReviewComment(query) : issues.getComment(query)
        const { user, body, node_id: nodeId } = (await read).data
        return { author: user?.login ?? 'ghost', body: redact(body ?? ''), nodeId }
      }),

    async ofOthers({ since, holds } = {}) {
      const [login, said, remarks] = await Promise.all([
        app.botLogin(),
        readBefore(holds) ?? listComments(since, newestHeld),
        thread.kind === 'pull' ? remarksOf(client, thread) : [],
      ])
      return othersAmong([...said, ...remarks], login, redact)
    },

    attachments: commentRef => attachmentReader(access, commentRef),
  }

  /** What was read before a comment was written does not tell what stands before that one. */
  function readBefore(holds: number | undefined): CommentView[] | undefined {
    const found = prefetched.take('comments')
    return holds === undefined || found?.some(({ id }) => id === holds) ? found : undefined
  }
}

type RestComment =
  | RestEndpointMethodTypes['issues']['listComments']['response']['data'][number]
  | RestEndpointMethodTypes['pulls']['listReviewComments']['response']['data'][number]

const viewOf = ({
  id,
  node_id,
  user,
  author_association,
  body,
  ...at
}: RestComment): CommentView => ({
  id,
  nodeId: node_id,
  author: user && user.login !== nobody ? user.login : undefined,
  bot: user?.type === 'Bot' || user?.login.endsWith('[bot]') === true,
  insider: isInsider(author_association),
  body: body ?? '',
  createdAt: Date.parse(at.created_at),
  updatedAt: Date.parse(at.updated_at),
  in: 'thread',
})

const posted = ({ data }: { data: RestComment }): Posted => ({ id: data.id })

const iso = (at: number) => new Date(at).toISOString()

/** Characters of comments of one thread that are held at once. */
const maxHeld = 5_000_000

/** Keeps as many comments as are held. Comments of people whom GitHub calls insiders come first. */
function newestHeld(comments: CommentView[]): CommentView[] {
  let length = 0
  const isHeld = ({ body }: CommentView) => {
    length += body.length
    return length <= maxHeld
  }
  const insidersFirst = comments
    .toReversed()
    .toSorted((a, b) => Number(b.insider) - Number(a.insider))
  const held = new Set(insidersFirst.filter(isHeld))
  return comments.filter(each => held.has(each))
}

/** Whom GitHub names where an account is gone. */
const nobody = 'ghost'

const reviewThreads = subjectQuery(
  'reviewThreads',
  'pullRequest',
  'reviewThreads(last: 100) { nodes { id path comments(first: 1) { nodes { fullDatabaseId } } } }',
  {
    reviewThreads: nodesOf(
      z.object({
        id: z.string(),
        path: z.string(),
        comments: nodesOf(z.object({ fullDatabaseId: z.coerce.number().int() })),
      }),
    ),
  },
)

export function reviewsOf(access: ThreadAccess): ThreadClient['reviews'] {
  const { app, client, thread, at, redact, written } = access
  return {
    /** This can't be repeated: after `NoResponse`, look with `own` first. */
    async post({ sha, body, comments }) {
      const { data } = await client.rest.pulls.createReview({
        ...at,
        pull_number: thread.number,
        commit_id: sha,
        event: 'COMMENT',
        body: written(body),
        comments: comments.map(({ path, line, startLine, body, suggestion }) => ({
          path,
          line,
          side: 'RIGHT',
          ...(startLine === undefined ? {} : { start_line: startLine, start_side: 'RIGHT' }),
          body: [
            written(body),
            ...(suggestion && redact(suggestion) === suggestion ? [suggestion] : []),
          ].join('\n\n'),
        })),
      })
      return data.id
    },

    async own() {
      const query = { ...at, pull_number: thread.number, per_page: 100 }
      const [login, reviews] = await Promise.all([
        app.botLogin(),
        client.paginate(client.rest.pulls.listReviews, query),
      ])
      return reviews.flatMap(({ user, id, body, submitted_at }) =>
        user?.login === login ? [{ id, body, createdAt: Date.parse(submitted_at ?? '') }] : [],
      )
    },

    async comments(reviewId) {
      const query = { ...at, pull_number: thread.number, review_id: reviewId, per_page: 100 }
      const comments = await client.paginate(client.rest.pulls.listCommentsForReview, query)
      // GitHub wraps an inline reply in a review of its own.
      return comments
        .filter(comment => !comment.in_reply_to_id)
        .map(comment => ({
          id: comment.id,
          path: redact(comment.path),
          line: comment.line ?? comment.original_line ?? null,
          hunk: redact(comment.diff_hunk),
          body: redact(comment.body),
          nodeId: comment.node_id,
          author: comment.user?.login ?? 'ghost',
        }))
    },

    text: reviewId =>
      unlessGone(async () => {
        const query = { ...at, pull_number: thread.number, review_id: reviewId }
        return redact((await client.rest.pulls.getReview(query)).data.body)
      }),

    async threads() {
      const found = await query(client, reviewThreads, named(thread))
      return found.reviewThreads.nodes.flatMap(({ id, path, comments: { nodes } }) =>
        nodes.map(({ fullDatabaseId: rootId }) => ({ id, path, rootId })),
      )
    },

    async resolve(ids) {
      const declared = ids.map((_, index) => `$thread${index}: ID!`).join(', ')
      const parts = ids.map(
        (_, index) =>
          `part${index}: resolveReviewThread(input: { threadId: $thread${index} }) { clientMutationId }`,
      )
      const text = `mutation resolveThreads(${declared}) {\n  ${parts.join('\n  ')}\n}`
      const variables = Object.fromEntries(ids.map((id, index) => [`thread${index}`, id]))
      await query(client, { text, schema: z.unknown() }, variables)
    },

    async remarks(number) {
      const remarks = remarksOf(client, { ...thread, number })
      return othersAmong(await remarks, await app.botLogin(), redact)
    },
  }
}

function othersAmong(
  comments: readonly CommentView[],
  login: string,
  redact: ThreadAccess['redact'],
): CommentView[] {
  return comments
    .filter(({ author }) => author !== login)
    .map(({ body, on, ...comment }) => ({
      ...comment,
      body: redact(body),
      on: on && { ...on, path: redact(on.path), hunk: redact(on.hunk) },
    }))
    .toSorted((a, b) => a.createdAt - b.createdAt)
}
