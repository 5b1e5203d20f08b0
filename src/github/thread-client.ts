/** GitHub as one thread needs it. */
import { z } from 'zod'
import { type Role, roles } from '../core/model/command-grammar.ts'
import { unlessRejected } from '../core/model/errors.ts'
import type { ThreadClient } from '../core/model/ports.ts'
import type { Thread } from '../core/model/thread.ts'
import type { CommentRef } from '../core/model/trigger.ts'
import type { Reaction } from '../core/model/views.ts'
import type { GitHubApp } from './app-client.ts'
import { branchesOf } from './branches.ts'
import { named, nodesOf, query, subjectQuery, threadKey } from './graphql.ts'
import { pagesOf } from './pages.ts'
import { commitsOf, pullsOf } from './pull-requests.ts'
import {
  Closers,
  closersField,
  closersIn,
  prefetchedParts,
  readAhead,
  type ThreadAccess,
} from './read-ahead.ts'
import { repositoryFiles } from './repository-files.ts'
import { repeatable, unlessGone, unlessLimited } from './request-rules.ts'
import { graphQlName, settleThread } from './settle-thread.ts'
import { commentsOf, reviewsOf } from './thread-comments.ts'

export interface ThreadClientOptions {
  now(): number
  /** Redacts what we write and what people wrote. */
  redact(text: string): string
  inOwnWords?(text: string): string
  /** What was read ahead by another client. */
  prefetched?: unknown
}

export function gitHubThread(
  app: GitHubApp,
  thread: Thread,
  { now, redact, inOwnWords = text => text, prefetched: brought }: ThreadClientOptions,
): ThreadClient {
  const client = app.forRepo(thread)
  const at = { owner: thread.owner, repo: thread.repo }
  const written = (text: string) => redact(inOwnWords(text))
  const prefetched = prefetchedParts(brought, now)
  const issue = { ...at, issue_number: thread.number }
  const access = { app, client, thread, at, issue, prefetched, redact, written, now }
  const nodes = prefetched.see('branches')?.ids
  if (nodes) app.ids.set(threadKey(thread), nodes.issue)
  return {
    thread: threadOf(access),
    issue: issueOf(access),
    comments: commentsOf(access),
    reviews: reviewsOf(access),
    pages: pagesOf(access),
    files: repositoryFiles(access),
    labels: labelsOf(access),
    branches: branchesOf(access),
    commits: commitsOf(access),
    pulls: pullsOf(access),
    checks: checksOf(access),
    people: peopleOf(access),
  }
}

function threadOf(access: ThreadAccess): ThreadClient['thread'] {
  const { app, client, at, issue, prefetched, redact } = access

  function addReaction(target: CommentRef, content: Reaction): Promise<unknown> {
    const { reactions } = client.rest
    // Eyes that are set late would stay after the end.
    const said = content === 'eyes' ? { content } : { content, ...repeatable }
    switch (target.kind) {
      case 'subject':
        return reactions.createForIssue({ ...issue, ...said })
      case 'thread':
        return reactions.createForIssueComment({ ...at, comment_id: target.commentId, ...said })
      case 'inline':
        return reactions.createForPullRequestReviewComment({
          ...at,
          comment_id: target.commentId,
          ...said,
        })
      // REST has none on reviews.
      case 'review':
        return query(client, addToReview, { subject: target.nodeId, content: graphQlName[content] })
    }
  }

  return {
    settle: settling => settleThread(access, settling),

    /** Failures do not matter, except for a limit. */
    async react(target, content) {
      await addReaction(target, content).catch(unlessLimited)
    },

    async readAhead() {
      if (prefetched.see('open')) return
      // Needed next, to recognize own comments; cached.
      const login = app.botLogin().catch(() => {})
      await readAhead(access)
      await login
    },

    prefetched: () => prefetched.carried(redact),

    async closing() {
      if (prefetched.take('open')) return undefined
      const { data } = await client.rest.issues.get(issue)
      const { state, closed_by: closer } = data
      const by = { login: closer?.login ?? 'ghost', id: closer?.id ?? 0 }
      return state === 'open'
        ? undefined
        : { by, at: Date.parse(data.closed_at ?? data.updated_at) }
    },

    state: () =>
      unlessGone(async () => {
        const { data } = await client.rest.issues.get(issue)
        // GitHub redirects to a transferred issue.
        if (data.number !== issue.issue_number) return undefined
        return {
          open: data.state === 'open',
          locked: data.locked,
          labels: data.labels.map(label =>
            typeof label === 'string' ? label : (label.name ?? ''),
          ),
        }
      }),
  }
}

/** The App may not see these. */
const optional = ['repository.subject.closedByPullRequestsReferences.nodes.*']

const threadClosers = {
  ...subjectQuery('threadClosers', 'issue', closersField, {
    closedByPullRequestsReferences: Closers,
  }),
  optional,
}

const threadMerges = {
  ...subjectQuery(
    'threadMerges',
    'issue',
    'closedByPullRequestsReferences(first: 50, includeClosedPrs: true) { nodes { mergedAt } }',
    {
      closedByPullRequestsReferences: nodesOf(
        z.object({ mergedAt: z.string().nullish() }).nullable(),
      ),
    },
  ),
  optional,
}

function issueOf(access: ThreadAccess): ThreadClient['issue'] {
  const { client, thread, at, issue, prefetched, redact } = access
  const isIssue = thread.kind === 'issue'
  return {
    async blockers() {
      const all = await unlessGone(() =>
        client.paginate('GET /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by', {
          ...issue,
          per_page: 100,
        }),
      )
      return BlockingIssues.parse(all ?? []).flatMap(({ state, number, title, html_url: url }) => {
        const elsewhere = /([^/]+\/[^/]+)\/issues\/\d+$/.exec(url)?.[1] ?? ''
        const isHere = elsewhere.toLowerCase() === `${at.owner}/${at.repo}`.toLowerCase()
        return state === 'open'
          ? [{ name: `${isHere ? '' : elsewhere}#${number}`, title: redact(title), url }]
          : []
      })
    },

    async merges() {
      if (!isIssue) return []
      const { nodes } = (await query(client, threadMerges, named(thread)))
        .closedByPullRequestsReferences
      return nodes.flatMap(node => (node?.mergedAt ? [Date.parse(node.mergedAt)] : []))
    },

    /** Gives `undefined` for what GitHub refuses to say. */
    async closers() {
      if (!isIssue) return []
      const ahead = prefetched.take('closers')
      const asked = ahead
        ? undefined
        : await query(client, threadClosers, named(thread)).catch(unlessRejected)
      const found = ahead ?? (asked && closersIn(asked.closedByPullRequestsReferences, thread))
      return found?.map(each => ({ ...each, title: redact(each.title) }))
    },
  }
}

const peopleOf = ({ app, client, thread, at }: ThreadAccess): ThreadClient['people'] => ({
  /**
   * `role_name` has triage and maintain. Of a custom role, `user.permissions` has the role that it is based on, or else
   * `permission`, which knows four words. Source: GitHub REST, "Get repository permissions for a user".
   * @throws Rejected with 404 for somebody unknown
   */
  async permission(login, id) {
    const { data } = await client.rest.repos.getCollaboratorPermissionLevel({
      ...at,
      username: login,
    })
    if (id !== undefined && data.user?.id !== id) return undefined
    const name = data.role_name
    const granted = data.user?.permissions
    const basedOn = granted && ([...roles].reverse().find(role => granted[rightOf[role]]) ?? 'none')
    return { role: roleNamed(name) ?? basedOn ?? roleNamed(data.permission) ?? 'none', name }
  },

  async isInTeam(team, login) {
    const query = { org: at.owner, team_slug: team, username: login }
    const found = await unlessGone(() =>
      app.forTeams(thread).rest.teams.getMembershipForUserInOrg(query),
    )
    return found?.data.state === 'active'
  },
})

function roleNamed(name: string): Role | undefined {
  if (name === 'push') return 'write'
  return name === 'pull' ? 'read' : roles.find(role => role === name)
}

/** What GitHub calls the right of a role: what everybody has who has any. */
const rightOf = {
  none: 'pull',
  read: 'pull',
  triage: 'triage',
  write: 'push',
  maintain: 'maintain',
  admin: 'admin',
} as const

const addToReview = {
  text: `mutation addReaction($subject: ID!, $content: ReactionContent!) {
  addReaction(input: { subjectId: $subject, content: $content }) { reaction { content } }
}`,
  schema: z.unknown(),
}

const BlockingIssues = z.array(
  z.object({
    state: z.string(),
    number: z.number().int(),
    title: z.string(),
    html_url: z.string(),
  }),
)

function labelsOf({ client: { rest }, at, issue }: ThreadAccess): ThreadClient['labels'] {
  const isSame = (name: string, other: string) => name.toLowerCase() === other.toLowerCase()
  const remove = async (name: string) => {
    await unlessGone(() => rest.issues.removeLabel({ ...issue, name }))
  }

  return {
    remove,

    /** May be repeated. What GitHub answers says which labels are there, whatever was done before. */
    async showState(label, others) {
      const { data: there } = await rest.issues.addLabels({ ...issue, labels: [label.name] })
      const mine = there.find(({ name }) => isSame(name, label.name))
      // GitHub makes what is missing by itself, in grey and without a description.
      if (mine && !mine.description)
        await rest.issues.updateLabel({ ...at, ...label, name: mine.name })
      for (const { name } of there)
        if (others.some(other => isSame(name, other))) await remove(name)
    },
  }
}

/** What our checks say of a commit. */
function checksOf({ app, thread, at, written }: ThreadAccess): ThreadClient['checks'] {
  return {
    /** @throws Rejected where the installation has not granted checks */
    async report(sha, { name, state, title, summary, onlyFirst }) {
      const { checks } = app.forChecks(thread).rest
      // Anybody's workflow may make one of that name: only our own is changed.
      const { data } = await checks.listForRef({
        ...at,
        ref: sha,
        check_name: name,
        app_id: app.id,
      })
      const [before] = data.check_runs
      if (before && onlyFirst) return
      const output = { title, summary: written(summary) }
      const isSame = before?.output.title === title && before.output.summary === output.summary
      if (isSame && (before.conclusion ?? 'pending') === state) return
      const progress =
        state === 'pending'
          ? ({ status: 'in_progress' } as const)
          : ({ status: 'completed', conclusion: state } as const)
      const said = { ...at, ...progress, name, output }
      // A completed check does not go on: the newest of a name counts.
      if (before && !(before.status === 'completed' && state === 'pending'))
        await checks.update({ ...said, check_run_id: before.id })
      else await checks.create({ ...said, head_sha: sha })
    },
  }
}
