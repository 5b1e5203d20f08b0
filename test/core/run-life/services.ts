/** GitHub and PostHog as one worker sees them: each call goes through the world, and has its luck there. */

import { isNotFound, Rejected } from '../../../src/core/model/errors.ts'
import type { TasksClient, ThreadClient } from '../../../src/core/model/ports.ts'
import type { PullChange, PullView, Settled } from '../../../src/core/model/views.ts'
import { shownIn } from '../../support/pages.ts'
import { type AgentRun, begin, goOn, hear, isIdle, isOver, permitted } from './agent.ts'
import type { ActingStep, Worker, World } from './world.ts'

type Kind = Pick<ActingStep<unknown>, 'writes' | 'mayBeLate'>
const reads: Kind = { writes: false }
const writes: Kind = { writes: true }
/** Without an idempotency key, so that doing it twice would show. */
const creates: Kind = { writes: true, mayBeLate: true }

const absent = (name: string) => (): never => {
  throw new Error(`${name} is not of this world`)
}

/** As the client has it: what GitHub does not show is not there. */
const notThere = (error: unknown): undefined => {
  if (!isNotFound(error)) throw error
}

/** As the client has it: what is refused of it is named, and no failure. */
const partly = (error: unknown): Settled => {
  if (error instanceof Rejected) return { refused: ['change'] }
  throw error
}

const openedPull = (
  number: number,
  given: Pick<PullView, 'title' | 'body' | 'head' | 'base' | 'sha' | 'createdAt'>,
): PullView => ({
  author: { login: 'codex[bot]', bot: true },
  mergedAt: undefined,
  repoId: 100,
  number,
  url: `https://github.com/acme/shop/pull/${number}`,
  draft: true,
  state: 'open',
  ...given,
})

function amended(world: World, number: number, { title, base, body }: PullChange): PullView {
  const index = world.pulls.findIndex(each => each.number === number)
  const before = world.pulls[index]
  if (!before) throw new Rejected('github', 404, '', 'Not Found')
  const view = {
    ...before,
    title: title ?? before.title,
    body: body ?? before.body,
    base: base ?? before.base,
  }
  world.pulls[index] = view
  return view
}

export function gitHubOf(world: World, worker: Worker): ThreadClient {
  const at = <T>(kind: Kind, name: string, effect: () => T): Promise<T> =>
    world.call(worker, { service: 'github', name, effect, ...kind })
  return {
    react: (target, content) =>
      at(writes, 'react', () => {
        if (target.kind === 'thread') world.reactions.push({ commentId: target.commentId, content })
      }),
    unreact: () => at(writes, 'unreact', () => undefined),
    removeLabel: () => at(writes, 'remove label', () => undefined),
    showState: () => at(writes, 'show state', () => undefined),
    permission: () => at(reads, 'permission', () => ({ role: 'write', name: 'write' })),
    file: () => at(reads, 'file', () => undefined),
    state: () => at(reads, 'state', () => ({ open: true, locked: false, labels: [] })),
    hasComment: () => at(reads, 'comment', () => true),
    review: () => at(reads, 'review', () => undefined),
    changedFiles: () => at(reads, 'changed files', () => []),
    report: () => at(writes, 'report', () => undefined),
    approvals: () => at(reads, 'approvals', () => undefined),
    transferredAt: () => at(reads, 'transferredAt', () => undefined),
    hasCommitOf: () => at(reads, 'hasCommitOf', () => false),
    fileCommits: () => at(reads, 'file commits', () => []),
    postReview: () => at(writes, 'post review', () => 0),
    ownReviews: () => at(reads, 'own reviews', () => []),
    folder: () => at(reads, 'folder', () => []),
    base: () => at(reads, 'base', () => undefined),
    closing: () => at(reads, 'closing', () => undefined),
    merges: () => at(reads, 'merges', () => []),
    defaultBranch: () => at(reads, 'default branch', () => 'main'),
    needs: async () => undefined,
    closers: async () => [],
    mayCheck: async () => true,
    blockers: () => at(reads, 'blockers', world.holds.blockers),
    openPulls: () => at(reads, 'open pulls', world.holds.openPulls),
    comments: () => at(reads, 'comments', () => []),
    reviewThreads: () => at(reads, 'review threads', () => []),
    resolveThreads: () => at(writes, 'resolve threads', () => undefined),
    changedBetween: () => at(reads, 'changed between', () => []),
    remarks: () => at(reads, 'remarks', () => []),
    shown: async texts => await at(reads, 'pages', () => shownIn(texts)),
    ownComments: () => at(reads, 'own comments', () => [...world.comments]),
    prefetched: () => undefined,
    readAhead: () => at(reads, 'thread', () => undefined),
    earlierComments: () => at(reads, 'own comments', () => [...world.comments]),
    comment: body =>
      at(creates, 'comment', () => {
        const id = 600 + world.comments.length + world.statusesDeleted
        world.comments.push({ id, body, createdAt: world.now })
        return { id, nodeId: `IC_${id}` }
      }),
    edit: (id, body) =>
      at(writes, 'edit', () => {
        const found = world.comments.find(comment => comment.id === id)
        if (found) found.body = body
        return found ? { nodeId: `IC_${id}` } : 'gone'
      }),
    minimize: nodeId => at(writes, 'minimize', () => void world.folded.add(nodeId)),
    branch: name =>
      at(reads, 'branch', () => {
        const sha = world.branches.get(name)
        return sha === undefined ? undefined : { name, sha }
      }).catch(notThere),
    issueBranches: () =>
      at(reads, 'branches', () => ({
        linked: [],
        ours: [...world.branches]
          .filter(([name]) => name.startsWith('codex/issue-7'))
          .map(([name, sha]) => ({ name, sha })),
        base: { name: 'main', sha: world.main },
        ids: undefined,
      })),
    makeBranch: (name, sha) =>
      at(writes, 'make branch', () => {
        world.branches.set(name, sha)
        return { linked: false }
      }),
    deleteBranch: (name, sha) =>
      at(writes, 'delete branch', () => {
        if (world.branches.get(name) !== sha) return
        // Nobody can end what PostHog does not know; it was told nothing, and so has nothing to do there.
        const isLetGo = (agent: AgentRun): boolean =>
          world.letGo.has(agent.id) && isIdle(agent) && agent.said.size === 0
        const working = world.agents().filter(agent => !isOver(agent) && !isLetGo(agent))
        if (working.length > 0) world.violations.push(`${name} is removed under an agent`)
        world.branches.delete(name)
      }),
    pull: number => at(reads, 'pull', () => world.pulls.find(each => each.number === number)).catch(notThere),
    commitsSince: (base, sha) =>
      at(reads, 'compare', () => {
        const branch = world.commits.find(commit => commit.sha === sha)?.branch
        const all = world.commits.filter(commit => commit.branch === branch)
        return all.slice(all.findIndex(commit => commit.sha === base) + 1)
      }),
    isDescendant: () => at(reads, 'compare', () => true),
    isMerged: () => at(reads, 'merged', () => false),
    pullsFrom: head => at(reads, 'pulls', () => world.pulls.filter(each => each.head === head)),
    branchUse: name =>
      at(reads, 'branch use', () => ({
        sha: world.branches.get(name),
        repository: 'R_1',
        isUsed: world.pulls.some(({ head, base }) => base === name || head === name),
      })),
    openPull: ({ head, base, title, body }) =>
      at(creates, 'open pull', () => {
        world.effects.push(`pull ${head}`)
        const from = { head, sha: world.branches.get(head) ?? '', base }
        const view = openedPull(20 + world.pulls.length, { title, body, ...from, createdAt: world.now })
        world.pulls.push(view)
        return view
      }),
    settle: ({ pull, status, reaction, fold }) =>
      at(writes, 'settle', (): Settled => {
        const { target, content } = reaction ?? {}
        if (target?.kind === 'thread' && content)
          world.reactions.push({ commentId: target.commentId, content })
        if (fold !== undefined && !status) world.folded.add(fold)
        const after = pull && amended(world, pull.number, pull.change ?? {})
        return { ...(after ? { pull: after } : {}), refused: status ? ['status'] : [] }
      }).catch(partly),
    attachments: absent('attachments'),
    reviewComments: absent('reviewComments'),
    inlineComment: absent('inlineComment'),
    isInTeam: absent('isInTeam'),
    ownCommentsOfRepository: absent('ownCommentsOfRepository'),
  }
}

function agentOf(world: World, taskRunId: string): AgentRun {
  const found = world.agents().find(({ id }) => id === taskRunId)
  if (!found) throw new Rejected('posthog', 404, 'not_found', 'Not found.')
  return found
}

const shownLog = ({ now, script }: World, { log }: AgentRun): AgentRun['log'] =>
  log.filter(({ at }) => at + script.logLate <= now)

export function postHogOf(world: World, worker: Worker): TasksClient {
  const at = <T>(kind: Kind, name: string, effect: () => T): Promise<T> =>
    world.call(worker, { service: 'posthog', name, effect, ...kind })
  const runsOf = (taskId: string): AgentRun[] => world.tasks.find(({ id }) => id === taskId)?.runs ?? []
  return {
    integrationFor: async () => '1',
    createTask: ({ description }) =>
      at(creates, 'create task', () => {
        const id = `task-${world.tasks.length + 1}`
        world.effects.push('task')
        world.tasks.push({ id, description, runs: [] })
        return id
      }),
    findTask: marker =>
      at(
        reads,
        'find task',
        () => world.tasks.find(({ description }) => description.endsWith(`\n${marker}`))?.id,
      ),
    startRun: (taskId, body) =>
      at(creates, 'start run', () => {
        if (world.script.resumesNowhere && body.resume_from_run_id !== undefined)
          throw new Rejected('posthog', 400, 'invalid', 'Not a branch of that run.', 'branch')
        world.effects.push(`run ${body.pending_user_message}`)
        return begin(runsOf(taskId), body.pending_user_message).id
      }),
    runIds: taskId => at(reads, 'run ids', () => runsOf(taskId).map(({ id }) => id)),
    statusOf: ({ taskRunId }) => at(reads, 'status', () => agentOf(world, taskRunId).status),
    logLength: ({ taskRunId }) =>
      at(reads, 'log length', () => shownLog(world, agentOf(world, taskRunId)).length),
    poll: ({ taskRunId }, offset) =>
      at(reads, 'poll', () => {
        const agent = agentOf(world, taskRunId)
        goOn(world, agent)
        const log = shownLog(world, agent).slice(offset)
        return {
          status: agent.status,
          error: agent.error,
          marker: agent.marker,
          pulls: [...agent.pulls],
          headBranch: undefined,
          model: undefined,
          effort: undefined,
          authorship: undefined,
          updatedAt: agent.updatedAt,
          log,
          offset: offset + log.length,
        }
      }),
    sendMessage: ({ taskRunId }, { id, text }) =>
      at(writes, 'say', () => {
        const agent = agentOf(world, taskRunId)
        if (isOver(agent)) return 'ended'
        world.effects.push(`say ${id}`)
        if (!agent.said.has(id)) hear(world, agent, id)
        agent.said.set(id, text)
        return 'queued'
      }),
    cancel: ({ taskRunId }) =>
      at(writes, 'cancel', () => {
        world.effects.push('cancel')
        agentOf(world, taskRunId).cancelled = true
      }),
    cost: () => Promise.resolve(0.42),
    respondToPermission: ({ taskRunId }, answer) =>
      at(writes, 'answer permission', () => permitted(world, agentOf(world, taskRunId), answer)),
    stageArtifact: absent('stageArtifact'),
    models: absent('models'),
    sandboxes: absent('sandboxes'),
  }
}
