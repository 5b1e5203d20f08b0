/** Branches: those of an issue, linked to it where GitHub lets it, and how they are used. */
import { z } from 'zod'
import { isBranchOfIssue } from '../core/model/branch-name.ts'
import { isEmptyRepository, isNotFound, Rejected, unlessRejected } from '../core/model/errors.ts'
import type { ThreadClient } from '../core/model/ports.ts'
import type { BranchView, HeadView, IssueBranches } from '../core/model/views.ts'
import { inRepository, named, nodesOf, query, subjectQuery } from './graphql.ts'
import { Linked, linkedField, linkedIn, Ref, taskIn } from './nodes.ts'
import { type ThreadAccess, usualStem } from './read-ahead.ts'

const linkedBranches = subjectQuery(
  'linkedBranches',
  'issue',
  `id repository { id } ${linkedField}`,
  {
    id: z.string(),
    repository: z.object({ id: z.string() }),
    linkedBranches: Linked,
  },
)

const createLinkedBranch = {
  text: `mutation createLinkedBranch($issueId: ID!, $oid: GitObjectID!, $name: String!, $repositoryId: ID!) {
  createLinkedBranch(input: { issueId: $issueId, oid: $oid, name: $name, repositoryId: $repositoryId }) {
    linkedBranch { id ref { name target { oid } } }
    issue { closed }
  }
}`,
  schema: z.object({
    createLinkedBranch: z
      .object({
        linkedBranch: z.object({ id: z.string() }).nullable(),
        issue: z.object({ closed: z.boolean() }).nullish(),
      })
      .nullable(),
  }),
}

const updateRefs = {
  text: `mutation updateRefs($id: ID!, $updates: [RefUpdate!]!) {
  updateRefs(input: { repositoryId: $id, refUpdates: $updates }) { clientMutationId }
}`,
  schema: z.unknown(),
}

/** A branch, and the open pull requests that go into it or come from it. */
const branchAndPulls = {
  text: `query branchAndPulls($owner: String!, $name: String!, $ref: String!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    id
    ref(qualifiedName: $ref) { target { oid } }
    into: pullRequests(baseRefName: $branch, states: [OPEN], first: 1) { totalCount }
    from: pullRequests(headRefName: $branch, states: [OPEN], first: 20) {
      nodes { number url isCrossRepository }
    }
  }
}`,
  schema: inRepository({
    id: z.string(),
    ref: z.object({ target: z.object({ oid: z.string() }) }).nullable(),
    into: z.object({ totalCount: z.number() }),
    from: nodesOf(
      z.object({ number: z.number(), url: z.string(), isCrossRepository: z.boolean() }),
    ),
  }),
}

/** How PostHog's agents call their branches, and what older ones put before. Source: its prompt for Codex. */
const ofAgents = /^posthog(?:-code)?\//

const Head = Ref.extend({
  target: z.object({
    oid: z.string(),
    message: z.string(),
    committedDate: z.string(),
    author: z.object({ name: z.string().nullable() }).nullable(),
  }),
}).transform(
  ({ name, target: { oid, message, committedDate, author } }): HeadView => ({
    name,
    sha: oid,
    task: taskIn(message),
    app: author?.name ?? undefined,
    at: Date.parse(committedDate),
  }),
)

const headsQuery = (count: number) => {
  const each = Array.from({ length: count }, (_, at) => at)
  return {
    text: `query heads($owner: String!, $name: String!${each.map(at => `, $ref${at}: String!`).join('')}) {
  repository(owner: $owner, name: $name) {
    ${each.map(at => `ref${at}: ref(qualifiedName: $ref${at}) { ...head }`).join('\n    ')}
    agents: refs(refPrefix: "refs/heads/", query: "posthog", first: 100, orderBy: { field: TAG_COMMIT_DATE, direction: DESC }) {
      nodes { ...head }
    }
  }
}
fragment head on Ref { name target { oid ... on Commit { message committedDate author { name } } } }`,
    schema: z.object({
      repository: z.object({ agents: nodesOf(Head) }).catchall(Head.nullable()),
    }),
  }
}

const nowhere = '0'.repeat(40)

export function branchesOf({
  client,
  thread,
  at,
  prefetched,
}: ThreadAccess): ThreadClient['branches'] {
  async function use(branch: string) {
    const { owner, repo: name } = thread
    const variables = { owner, name, branch, ref: `refs/heads/${branch}` }
    const { id, ref, into, from } = (await query(client, branchAndPulls, variables)).repository
    const pull = from.nodes.find(({ isCrossRepository }) => !isCrossRepository)
    return {
      sha: ref?.target.oid,
      isUsed: into.totalCount > 0 || pull !== undefined,
      repository: id,
      pull: pull && { number: pull.number, url: pull.url },
    }
  }

  async function find(name: string): Promise<BranchView | undefined> {
    try {
      const { data } = await client.rest.git.getRef({ ...at, ref: `heads/${name}` })
      return { name, sha: data.object.sha }
    } catch (error) {
      if (isNotFound(error) || isEmptyRepository(error)) return undefined
      throw error
    }
  }

  /** If GitHub says nothing of linked branches, none is linked, and none will be. */
  async function linked(): Promise<Pick<IssueBranches, 'linked' | 'elsewhere' | 'ids'>> {
    const found = await query(client, linkedBranches, named(thread)).catch(unlessRejected)
    if (!found) return { linked: [], ids: undefined }
    const { id, repository } = found
    return {
      ...linkedIn(found.linkedBranches, thread),
      ids: { issue: id, repository: repository.id },
    }
  }

  return {
    find,

    async heads(names) {
      const refs = names.map((branch, at) => [`ref${at}`, `refs/heads/${branch}`])
      const { owner, repo: name } = thread
      const variables = { owner, name, ...Object.fromEntries(refs) }
      const { agents, ...asked } = (await query(client, headsQuery(names.length), variables))
        .repository
      const found = Object.values(asked).flatMap(head => head ?? [])
      const others = agents.nodes.filter(({ name }) => ofAgents.test(name) && !names.includes(name))
      return [...found, ...others]
    },

    async base(name) {
      const { sha, pull } = await use(name)
      return sha === undefined ? undefined : { name, sha, pull }
    },

    default: async () => (await client.rest.repos.get(at)).data.default_branch,

    async ofIssue(stem) {
      const read = prefetched.take('branches')
      // A branch read ahead may be gone by now; that there is none shows when it is made.
      const isAnyThere = read && read.linked.length + read.ours.length > 0
      if (read && !isAnyThere && stem === usualStem(thread)) return read
      const [found, refs, base] = await Promise.all([
        linked(),
        client.rest.git.listMatchingRefs({ ...at, ref: `heads/${stem}` }),
        find(thread.defaultBranch),
      ])
      const ours = refs.data
        .map(({ ref, object }) => ({ name: ref.replace('refs/heads/', ''), sha: object.sha }))
        .filter(({ name }) => isBranchOfIssue(name, stem))
      return { ...found, ours, base }
    },

    /** Makes a branch, linked to the issue where possible. Repeatable. */
    async create(name, sha, nodes) {
      if (nodes) {
        const variables = { issueId: nodes.issue, repositoryId: nodes.repository, oid: sha, name }
        const made = await query(client, createLinkedBranch, variables).catch(unlessRejected)
        const { linkedBranch, issue } = made?.createLinkedBranch ?? {}
        if (linkedBranch) return { linked: true, open: issue ? !issue.closed : undefined }
      }
      try {
        await client.rest.git.createRef({ ...at, ref: `refs/heads/${name}`, sha })
      } catch (error) {
        // A ruleset answers 422, as does a taken name.
        if (!(error instanceof Rejected && error.status === 422 && (await find(name)))) throw error
      }
      return { linked: false }
    },

    /** Deletes the branch only if it still points at `sha`, which GitHub checks. What it refuses stays. */
    async delete(name, sha, repository) {
      const updates = [{ name: `refs/heads/${name}`, beforeOid: sha, afterOid: nowhere }]
      await query(client, updateRefs, { id: repository, updates }).catch(unlessRejected)
    },

    use,
  }
}
