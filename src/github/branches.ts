import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { isBranchOfIssue } from '../core/model/branch-name.ts'
import { isEmptyRepository, isNotFound, Rejected } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type { BranchView, IssueBranches } from '../core/model/views.ts'
import { type ReadAheads, threadKey } from './ahead-cache.ts'
import type { pullsOf, QueryContext } from './pull-requests.ts'
import { LinkedNodes, linkedOf, usualStem } from './read-ahead.ts'
import { isGraphqlError, lacksField } from './response-faults.ts'

const LinkedBranches = z.object({
  repository: z.object({
    id: z.string(),
    issue: z.object({
      id: z.string(),
      linkedBranches: LinkedNodes,
    }),
  }),
})

const linkedBranchesQuery = `query linkedBranches($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    id
    issue(number: $number) {
      id
      linkedBranches(first: 10) { nodes { ref { name target { oid } repository { nameWithOwner } } } }
    }
  }
}`

const createLinkedBranch = `mutation createLinkedBranch($issueId: ID!, $oid: GitObjectID!, $name: String!, $repositoryId: ID!) {
  createLinkedBranch(input: { issueId: $issueId, oid: $oid, name: $name, repositoryId: $repositoryId }) {
    linkedBranch { id ref { name target { oid } } }
    issue { closed }
  }
}`

const RepositoryId = z.object({ repository: z.object({ id: z.string() }) })

const repositoryQuery = `query repositoryId($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { id }
}`

const updateRefs = `mutation updateRefs($id: ID!, $updates: [RefUpdate!]!) {
  updateRefs(input: { repositoryId: $id, refUpdates: $updates }) { clientMutationId }
}`

const nowhere = '0'.repeat(40)

const CreatedBranch = z.object({
  createLinkedBranch: z
    .object({
      linkedBranch: z.object({ id: z.string() }).nullable(),
      issue: z.object({ closed: z.boolean() }).nullish(),
    })
    .nullable(),
})

interface Repository {
  client: Octokit
  aheads: ReadAheads
  thread: Thread
}

type Pulls = Pick<ReturnType<typeof pullsOf>, 'isBaseOfPull' | 'pullsFrom'>

export function branchesOf({ client, aheads, thread }: Repository, pulls: Pulls) {
  const at = { owner: thread.owner, repo: thread.repo }

  async function branch(name: string): Promise<BranchView | undefined> {
    try {
      const { data } = await client.rest.git.getRef({ ...at, ref: `heads/${name}` })
      return { name, sha: data.object.sha }
    } catch (error) {
      if (isNotFound(error) || isEmptyRepository(error)) return undefined
      throw error
    }
  }

  async function linked(): Promise<Pick<IssueBranches, 'linked' | 'elsewhere' | 'ids'>> {
    try {
      const variables = { ...at, name: at.repo, number: thread.number }
      const { repository } = LinkedBranches.parse(await client.graphql(linkedBranchesQuery, variables))
      return {
        ...linkedOf(repository.issue.linkedBranches, thread),
        ids: { issue: repository.issue.id, repository: repository.id },
      }
    } catch (error) {
      if (isAbsent(error)) return { linked: [], ids: undefined }
      throw error
    }
  }

  async function repositoryNode(): Promise<string | undefined> {
    const known = aheads.ids.get(String(thread.repoId))
    if (known !== undefined) return known
    const variables = { ...at, name: at.repo }
    const found = await client.graphql(repositoryQuery, variables).then(RepositoryId.parse, absent)
    if (found) aheads.ids.set(String(thread.repoId), found.repository.id)
    return found?.repository.id
  }

  return {
    branch,

    async issueBranches(stem: string): Promise<IssueBranches> {
      await aheads.fetch(thread)
      const ahead = aheads.take(threadKey(thread), 'branches')
      // A branch read ahead may be gone by now; that there is none shows when it is made.
      const isAnyThere = ahead && ahead.linked.length + ahead.ours.length > 0
      if (ahead && !isAnyThere && stem === usualStem(thread)) return ahead
      const [found, refs, base] = await Promise.all([
        linked(),
        client.rest.git.listMatchingRefs({ ...at, ref: `heads/${stem}` }),
        branch(thread.defaultBranch),
      ])
      const ours = refs.data
        .map(({ ref, object }) => ({ name: ref.replace('refs/heads/', ''), sha: object.sha }))
        .filter(({ name }) => isBranchOfIssue(name, stem))
      return { ...found, ours, base }
    },

    /** Makes a branch, linked to the issue where possible. Repeatable. */
    async makeBranch(
      name: string,
      sha: string,
      ids: IssueBranches['ids'],
    ): Promise<{ linked: boolean; open?: boolean }> {
      if (ids) {
        const variables = { issueId: ids.issue, repositoryId: ids.repository, oid: sha, name }
        const made = await client.graphql(createLinkedBranch, variables).then(CreatedBranch.parse, absent)
        const { linkedBranch, issue } = made?.createLinkedBranch ?? {}
        if (linkedBranch) return { linked: true, open: issue ? !issue.closed : undefined }
        if (await branch(name)) return { linked: false }
      }
      try {
        await client.rest.git.createRef({ ...at, ref: `refs/heads/${name}`, sha })
      } catch (error) {
        // A ruleset answers 422, as does a taken name.
        if (!(error instanceof Rejected && error.status === 422 && (await branch(name)))) throw error
      }
      return { linked: false }
    },

    /** Only if it still points at `sha`, which GitHub checks if it has the mutation. */
    async deleteBranch(name: string, sha: string): Promise<void> {
      const id = await repositoryNode()
      const update = { name: `refs/heads/${name}`, beforeOid: sha, afterOid: nowhere }
      const way =
        id === undefined
          ? 'unknown'
          : await client.graphql(updateRefs, { id, updates: [update] }).then(() => 'done', refusedOrUnknown)
      if (way !== 'unknown') return
      // On an older server it may move in between.
      if ((await branch(name))?.sha !== sha) return
      await client.rest.git.deleteRef({ ...at, ref: `heads/${name}` }).catch(alreadyThere)
    },

    async branchUse(name: string): Promise<{ sha: string | undefined; isUsed: boolean }> {
      const known = await useOfBranch({ client, aheads, thread }, name)
      if (known) return known
      const [found, isBase, from] = await Promise.all([
        branch(name),
        pulls.isBaseOfPull(name),
        pulls.pullsFrom(name),
      ])
      return { sha: found?.sha, isUsed: isBase || from.some(({ state }) => state === 'open') }
    },
  }
}

/** GitHub answers 422 for a ref that already exists, and for one already gone. */
function alreadyThere(error: unknown): void {
  if (error instanceof Rejected && (error.status === 422 || error.status === 404)) return
  throw error
}

/** No GraphQL, no permission for it, or no linked branches. */
const isAbsent = (error: unknown): boolean =>
  (error instanceof Rejected && error.status < 500) || error instanceof z.ZodError || isGraphqlError(error)

/** A refusal by `updateRefs` is final; a server without it is asked by REST. */
function refusedOrUnknown(error: unknown): 'refused' | 'unknown' {
  if (isGraphqlError(error)) return lacksField(error) ? 'unknown' : 'refused'
  if (isAbsent(error)) return 'unknown'
  throw error
}

function absent(error: unknown): undefined {
  if (isAbsent(error)) return undefined
  throw error
}

const branchUse = `query branchUse($owner: String!, $name: String!, $ref: String!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    id
    ref(qualifiedName: $ref) { target { oid } }
    into: pullRequests(baseRefName: $branch, states: [OPEN], first: 1) { totalCount }
    from: pullRequests(headRefName: $branch, states: [OPEN], first: 20) { nodes { isCrossRepository } }
  }
}`

const BranchUse = z.object({
  repository: z.object({
    id: z.string(),
    ref: z.object({ target: z.object({ oid: z.string() }) }).nullable(),
    into: z.object({ totalCount: z.number() }),
    from: z.object({ nodes: z.array(z.object({ isCrossRepository: z.boolean() })) }),
  }),
})

async function useOfBranch(
  { client, aheads, thread }: QueryContext,
  branch: string,
): Promise<{ sha: string | undefined; isUsed: boolean } | undefined> {
  if (aheads.isAbsent()) return undefined
  const variables = { owner: thread.owner, name: thread.repo, ref: `refs/heads/${branch}`, branch }
  const response = await client.graphql(branchUse, variables).catch(onlyRest)
  const { data } = BranchUse.safeParse(response)
  if (!data) return undefined
  const { id, ref, into, from } = data.repository
  aheads.ids.set(String(thread.repoId), id)
  const isUsed = into.totalCount > 0 || from.nodes.some(({ isCrossRepository }) => !isCrossRepository)
  return { sha: ref?.target.oid, isUsed }
}

function onlyRest(error: unknown): undefined {
  if (error instanceof Rejected || isGraphqlError(error)) return undefined
  throw error
}
