/** Pull requests, and what is written in their reviews and on their lines. */
import type { Octokit, RestEndpointMethodTypes } from '@octokit/rest'
import { z } from 'zod'
import type { ThreadClient } from '../core/model/ports.ts'
import type { Thread } from '../core/model/thread.ts'
import type { CommentView, PullFacts, PullView } from '../core/model/views.ts'
import { agentLogin } from '../core/record/own-pull-request.ts'
import {
  inRepository,
  labelKey,
  named,
  nodesOf,
  personKey,
  query,
  subjectQuery,
  threadKey,
} from './graphql.ts'
import {
  Author,
  authorField,
  FullPull,
  ListedPull,
  listedFields,
  pullFields,
  Size,
  sizeFields,
  sizeIn,
  taskIn,
  Written,
  writtenFields,
  writtenView,
} from './nodes.ts'
import type { ThreadAccess } from './read-ahead.ts'
import { unlessGone } from './request-rules.ts'

export function pullsOf(access: ThreadAccess): ThreadClient['pulls'] {
  const { app, client, thread, at, redact, written } = access

  /** The title is stored, so redacted; the body is written back as it is. */
  const stateOf = ({ merged_at, state }: PullData): PullView['state'] => {
    if (merged_at) return 'merged'
    return state === 'open' ? 'open' : 'closed'
  }
  const viewed = (data: PullData, size?: PullView['size']): PullView => ({
    number: data.number,
    url: data.html_url,
    title: redact(data.title),
    body: data.body ?? '',
    draft: data.draft ?? false,
    state: stateOf(data),
    head: data.head.ref,
    sha: data.head.sha,
    size,
    base: data.base.ref,
    repoId: data.head.repo?.id ?? null,
    author: data.user ? { login: data.user.login, bot: data.user.type === 'Bot' } : undefined,
    createdAt: Date.parse(data.created_at),
    mergedAt: data.merged_at ? Date.parse(data.merged_at) : undefined,
  })

  return {
    find: (number, joined) =>
      unlessGone(async () => {
        if (joined) return pullWith(access, number, joined)
        const { data } = await client.rest.pulls.get({ ...at, pull_number: number })
        return viewed(data, sizeOf(data))
      }),

    async from(head) {
      const query = { ...at, head: `${at.owner}:${head}`, state: 'all', per_page: 20 } as const
      const { data } = await client.rest.pulls.list(query)
      return data
        .map(each => viewed(each))
        .filter(view => view.head === head && view.repoId === thread.repoId)
    },

    /** Nothing is said of checks that GitHub does not let the App see. */
    async needs(number) {
      const variables = named({ ...thread, number })
      const found = await query(client, pullNeeds, variables)
      if (found.state !== 'OPEN') return undefined
      const shown =
        found.commits.nodes?.[0]?.commit?.statusCheckRollup?.contexts?.nodes ?? undefined
      const contexts = newestChecks(shown ?? [])
      const threads = found.reviewThreads.nodes.filter(({ isResolved }) => !isResolved)
      const ours = threads.length > 0 ? await app.botLogin() : undefined
      return {
        number,
        facts: {
          size: sizeIn(found),
          // Our own check that waits for an approval does not run.
          checks:
            shown &&
            countsOf(contexts.filter(({ by, state }) => by !== app.id || state !== 'PENDING')),
        },
        failedChecks: contexts.flatMap(({ name, url, state }) =>
          red.has(state) ? [{ name, url: url ?? undefined }] : [],
        ),
        isKnown: found.mergeable !== 'UNKNOWN',
        hasConflicts: found.mergeable === 'CONFLICTING',
        changesRequestedBy: found.latestOpinionatedReviews.nodes.flatMap(({ state, author }) =>
          state === 'CHANGES_REQUESTED' && author ? [author.login] : [],
        ),
        unresolved: threads.map(({ path, line, comments }) => {
          const voices = comments.nodes.flatMap(({ author, pullRequestReview: review }) => {
            if (author?.login === ours || author?.login === agentLogin)
              return { kind: 'agent' as const }
            if (author?.bot) return { kind: 'bot' as const, login: author.login }
            return review?.authorCanPushToRepository ? { kind: 'writer' as const } : []
          })
          return { path, line, voices }
        }),
      }
    },

    async approvals(number) {
      const variables = named({ ...thread, number })
      const found = await query(client, pullApprovals, variables)
      if (found.state !== 'OPEN') return undefined
      const asked = new Set(
        found.reviewRequests.nodes.map(({ requestedReviewer }) => requestedReviewer?.login),
      )
      const by = found.latestOpinionatedReviews.nodes.flatMap(({ state, author, commit }) =>
        state === 'APPROVED' &&
        commit?.oid === found.headRefOid &&
        author?.databaseId &&
        !asked.has(author.login)
          ? [{ login: author.login, id: author.databaseId }]
          : [],
      )
      return { sha: found.headRefOid, body: found.body, author: found.author?.login, by }
    },

    /** GitHub lists at most 250. Source: GitHub REST, "List commits on a pull request". */
    async hasCommitOf(number, login) {
      const query = { ...at, pull_number: number, per_page: 100 }
      const commits = await client.paginate(client.rest.pulls.listCommits, query)
      return commits.some(
        ({ author, committer }) => author?.login === login || committer?.login === login,
      )
    },

    async open() {
      const variables = { owner: thread.owner, name: thread.repo }
      const { nodes } = (await query(client, openPulls, variables)).repository.pullRequests
      return nodes.map(pull => ({ ...pull, title: redact(pull.title) }))
    },

    /** This can't be repeated: after `NoResponse`, look with `from` first. */
    async create({ body, footer, ...pull }) {
      const query = { ...at, ...pull, body: `${redact(body)}\n\n${written(footer)}`, draft: true }
      const { data } = await client.rest.pulls.create(query)
      return viewed(data, sizeOf(data))
    },

    async files(number) {
      const { data } = await client.rest.pulls.listFiles({
        ...at,
        pull_number: number,
        per_page: 100,
      })
      return data.map(({ filename, patch }) => ({ path: filename, patch }))
    },
  }
}

export function commitsOf({ client, at }: ThreadAccess): ThreadClient['commits'] {
  return {
    async compare(base, head) {
      const query = { ...at, basehead: `${base}...${head}` }
      const found = await unlessGone(() => client.rest.repos.compareCommitsWithBasehead(query))
      if (!found) return undefined
      const { status, commits, files = [] } = found.data
      return {
        isDescendant: status === 'ahead' || status === 'identical',
        commits: commits.map(({ sha, author, committer, commit }) => ({
          sha,
          byPerson: isPerson(author) && isPerson(committer),
          app: [author, committer].find(each => each?.type === 'Bot')?.login,
          task: taskIn(commit.message),
          subject: commit.message.split('\n')[0],
          at: Date.parse(commit.committer?.date ?? ''),
        })),
        paths: files.flatMap(({ filename, previous_filename: before }) =>
          [filename, before ?? []].flat(),
        ),
      }
    },

    async isMerged(sha) {
      const pulls = client.rest.repos.listPullRequestsAssociatedWithCommit
      const found = await unlessGone(() => pulls({ ...at, commit_sha: sha }))
      return found?.data.some(({ merged_at }) => merged_at !== null) ?? false
    },
  }
}

/** Some servers do not say it. */
const sizeOf = ({
  changed_files: files,
  additions = 0,
  deletions = 0,
}: Partial<Rest['get']['response']['data']>): PullView['size'] =>
  files === undefined ? undefined : { files, additions, deletions }

const isPerson = (account: object | null) =>
  account !== null && 'type' in account && account.type === 'User'

type Rest = RestEndpointMethodTypes['pulls']
type PullData = Rest['get']['response']['data'] | Rest['list']['response']['data'][number]

/** What has not begun is the newest of all, and what runs has no conclusion. */
const CheckContext = z.union([
  z
    .object({
      __typename: z.literal('CheckRun'),
      name: z.string(),
      conclusion: z.string().nullable(),
      detailsUrl: z.string().nullable(),
      startedAt: z.string().nullish(),
      checkSuite: z
        .object({ app: z.object({ databaseId: z.number().nullish() }).nullish() })
        .nullish(),
    })
    .transform(({ name, conclusion, detailsUrl: url, startedAt, checkSuite }) => ({
      name,
      url,
      by: checkSuite?.app?.databaseId,
      state: conclusion ?? 'PENDING',
      begun: Date.parse(startedAt ?? '') || Number.POSITIVE_INFINITY,
    })),
  z
    .object({
      __typename: z.literal('StatusContext'),
      context: z.string(),
      state: z.string(),
      targetUrl: z.string().nullable(),
    })
    .transform(({ context: name, state, targetUrl: url }) => ({
      name,
      url,
      by: 'status' as const,
      state,
      begun: Number.POSITIVE_INFINITY,
    })),
])

type CheckNode = z.infer<typeof CheckContext>

/** What runs again stands beside what it replaces. Of each name of an App, the one that began last counts. */
function newestChecks(nodes: readonly (CheckNode | null)[]): CheckNode[] {
  const newest = new Map<string, CheckNode>()
  for (const check of nodes.flatMap(each => each ?? [])) {
    const key = `${check.by} ${check.name}`
    if (check.begun >= (newest.get(key)?.begun ?? 0)) newest.set(key, check)
  }
  return [...newest.values()]
}

function countsOf(checks: readonly CheckNode[]): NonNullable<PullFacts['checks']> {
  const among = (states: ReadonlySet<string>) =>
    checks.filter(({ state }) => states.has(state)).length
  return { passed: among(green), failed: among(red), running: among(open) }
}

/** Source: `CheckConclusionState` and `StatusState` of GitHub's GraphQL schema. */
const green = new Set(['SUCCESS'])
const open = new Set(['PENDING', 'EXPECTED'])
const red = new Set(['FAILURE', 'TIMED_OUT', 'STARTUP_FAILURE', 'ACTION_REQUIRED', 'ERROR'])

const Contexts = z.object({ nodes: z.array(CheckContext.nullable()).nullable() })
const Rollup = z.object({ contexts: Contexts.nullable() })
const NewestCommit = z.object({ statusCheckRollup: Rollup.nullable() }).nullable()

const pullNeeds = {
  ...subjectQuery(
    'pullNeeds',
    'pullRequest',
    `state
      mergeable
      ${sizeFields}
      latestOpinionatedReviews(first: 20, writersOnly: true) { nodes { state ${authorField} } }
      reviewThreads(last: 50) { nodes { isResolved path line comments(last: 20) { nodes {
        ${authorField} pullRequestReview { authorCanPushToRepository }
      } } } }
      commits(last: 1) { nodes { commit { statusCheckRollup { contexts(first: 100) { nodes {
        __typename
        ... on CheckRun { name conclusion detailsUrl startedAt checkSuite { app { databaseId } } }
        ... on StatusContext { context state targetUrl }
      } } } } } }`,
    {
      ...Size.shape,
      state: z.string(),
      mergeable: z.string(),
      latestOpinionatedReviews: nodesOf(z.object({ state: z.string(), author: Author })),
      reviewThreads: nodesOf(
        z.object({
          isResolved: z.boolean(),
          path: z.string(),
          line: z.number().nullable(),
          comments: nodesOf(
            z.object({
              author: Author,
              pullRequestReview: z.object({ authorCanPushToRepository: z.boolean() }).nullable(),
            }),
          ),
        }),
      ),
      commits: z.object({
        nodes: z.array(z.object({ commit: NewestCommit }).nullable()).nullable(),
      }),
    },
  ),
  optional: ['repository.subject.commits', 'repository.subject.commits.*'],
}

/** Gives the newest opinion of each person who may write. Whoever was asked again has given none yet. */
const pullApprovals = subjectQuery(
  'pullApprovals',
  'pullRequest',
  `state
      body
      ${authorField}
      headRefOid
      reviewRequests(first: 100) { nodes { requestedReviewer { ... on User { login } } } }
      latestOpinionatedReviews(first: 100, writersOnly: true) {
        nodes { state commit { oid } author { login ... on User { databaseId } } }
      }`,
  {
    state: z.string(),
    body: z.string(),
    author: Author,
    headRefOid: z.string(),
    reviewRequests: nodesOf(
      z.object({ requestedReviewer: z.object({ login: z.string().optional() }).nullable() }),
    ),
    latestOpinionatedReviews: nodesOf(
      z.object({
        state: z.string(),
        commit: z.object({ oid: z.string() }).nullable(),
        author: z.object({ login: z.string(), databaseId: z.number().optional() }).nullable(),
      }),
    ),
  },
)

const openPulls = {
  text: `query openPulls($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    pullRequests(states: OPEN, first: 100, orderBy: { field: CREATED_AT, direction: DESC }) {
      nodes { ${listedFields} }
    }
  }
}`,
  schema: inRepository({ pullRequests: nodesOf(ListedPull) }),
}

const HasId = z.object({ id: z.string() })

/** The person and the labels, too, for whoever settles it: an account or a label may be gone. */
export async function pullWith(
  { app: { ids }, client, thread, redact }: ThreadAccess,
  number: number,
  { login, labels = [] }: { login?: string | undefined; labels?: readonly string[] } = {},
): Promise<PullView> {
  const declares = labels.map((_, at) => `, $label${at}: String!`).join('')
  const asks = labels.map((_, at) => ` label${at}: label(name: $label${at}) { id }`).join('')
  const pullAndPerson = {
    text: `query pullAndPerson($owner: String!, $name: String!, $number: Int!, $login: String!, $isNamed: Boolean!${declares}) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { id ${pullFields} }${asks} }
  user(login: $login) @include(if: $isNamed) { id }
}`,
    schema: z.object({
      repository: z.object({ pullRequest: HasId.and(FullPull) }).catchall(HasId.nullish()),
      user: HasId.nullish(),
    }),
    optional: [
      'user',
      'repository.pullRequest.headRepository',
      ...labels.map((_, at) => `repository.label${at}`),
    ],
  }
  const isNamed = login !== undefined
  const variables = {
    ...named({ ...thread, number }),
    login: login ?? '',
    isNamed,
    ...Object.fromEntries(labels.map((label, at) => [`label${at}`, label])),
  }
  const { repository, user } = await query(client, pullAndPerson, variables)
  const { id, ...view } = repository.pullRequest
  ids.set(threadKey({ ...thread, number }), id)
  if (user) ids.set(personKey(variables.login), user.id)
  for (const [at, label] of labels.entries()) {
    const found = HasId.safeParse(repository[`label${at}`]).data
    if (found) ids.set(labelKey(thread, label), found.id)
    else ids.delete(labelKey(thread, label))
  }
  return { ...view, title: redact(view.title) }
}

/** The newest of each; what is older is no more than what is cut anyway. */
const pullRemarks = subjectQuery(
  'pullRemarks',
  'pullRequest',
  `reviews(last: 50) { nodes { submittedAt ${writtenFields} } }
      reviewThreads(last: 50) { nodes {
        isResolved path line originalLine
        comments(last: 20) { nodes { publishedAt diffHunk ${writtenFields} } }
      } }`,
  {
    reviews: nodesOf(Written.extend({ submittedAt: z.string().nullable() })),
    reviewThreads: nodesOf(
      z.object({
        isResolved: z.boolean(),
        path: z.string(),
        line: z.number().nullable(),
        originalLine: z.number().nullable(),
        comments: nodesOf(
          Written.extend({ publishedAt: z.string().nullable(), diffHunk: z.string() }),
        ),
      }),
    ),
  },
)

export async function remarksOf(client: Octokit, thread: Thread): Promise<CommentView[]> {
  const pull = await query(client, pullRemarks, named(thread))
  // What is not submitted is seen by its author alone.
  const reviews = pull.reviews.nodes.flatMap(node =>
    node.submittedAt === null
      ? []
      : [{ ...writtenView(node, node.submittedAt), in: 'review' as const }],
  )
  const lines = pull.reviewThreads.nodes.flatMap(
    ({ isResolved, path, line, originalLine, comments }) =>
      comments.nodes.flatMap(node => {
        if (node.publishedAt === null) return []
        const on = { path, line: line ?? originalLine, hunk: node.diffHunk }
        return [
          { ...writtenView(node, node.publishedAt), in: 'line' as const, on, resolved: isResolved },
        ]
      }),
  )
  // A review of nothing but comments on lines says nothing itself.
  return [...reviews.filter(({ body }) => body.trim()), ...lines]
}
