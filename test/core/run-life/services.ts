/** GitHub and PostHog as one worker sees them: each call goes through the world, and has its luck there. */

import { isNotFound, Rejected } from '../../../src/core/model/errors.ts'
import type { TasksClient } from '../../../src/core/model/ports.ts'
import type { PullChange, PullView, Settled } from '../../../src/core/model/views.ts'
import type { GitHubCalls } from '../../support/client-of.ts'
import { shownIn } from '../../support/pages.ts'
import { pullView, snapshotWith } from '../given.ts'
import { type AgentRun, begin, goOn, hear, isIdle, isOver, permitted, pullUrl } from './agent.ts'
import type { ActingStep, Worker, World } from './world.ts'

type Kind = Pick<ActingStep<unknown>, 'writes' | 'mayBeLate'>
const reads: Kind = { writes: false }
const writes: Kind = { writes: true }
/** Without an idempotency key, so that doing it twice would show. */
const creates: Kind = { writes: true, mayBeLate: true }

const absent = (): never => {
  throw new Error('not of this world')
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

function amended(world: World, number: number, { title, base, body }: PullChange): PullView {
  const index = world.pulls.findIndex(each => each.number === number)
  const before = world.pulls[index]
  if (!before) throw new Rejected('github', 404, '', 'Not Found')
  const given = {
    title: title ?? before.title,
    body: body ?? before.body,
    base: base ?? before.base,
  }
  const view = { ...before, ...given }
  world.pulls[index] = view
  return view
}

export function gitHubOf(world: World, worker: Worker): Partial<GitHubCalls> {
  const at = <T>(kind: Kind, name: string, effect: () => T): Promise<T> =>
    world.call(worker, { service: 'github', name, effect, ...kind })
  return {
    'thread.react': (target, content) =>
      at(writes, 'react', () => {
        if (target.kind === 'thread') world.reactions.push({ commentId: target.commentId, content })
      }),
    'labels.remove': () => at(writes, 'remove label', () => undefined),
    'labels.showState': () => at(writes, 'show state', () => undefined),
    'reviews.threads': () => at(reads, 'review threads', () => []),
    'reviews.resolve': () => at(writes, 'resolve threads', () => undefined),
    'people.permission': () => at(reads, 'permission', () => ({ role: 'write', name: 'write' })),
    'files.text': () => at(reads, 'file', () => undefined),
    'files.commits': () => at(reads, 'file commits', () => []),
    'thread.closing': () => at(reads, 'closing', () => undefined),
    'issue.merges': () => at(reads, 'merges', () => []),
    'branches.default': () => at(reads, 'default branch', () => 'main'),
    'pulls.needs': async () => undefined,
    'issue.blockers': () => at(reads, 'blockers', world.holds.blockers),
    'pulls.open': () => at(reads, 'open pulls', world.holds.openPulls),
    'comments.ofOthers': () => at(reads, 'comments', () => []),
    'pages.shown': async texts => await at(reads, 'pages', () => shownIn(texts)),
    'comments.own': () => at(reads, 'own comments', () => [...world.comments]),
    'thread.readAhead': () => at(reads, 'thread', () => undefined),
    'comments.post': body =>
      at(creates, 'comment', () => {
        const id = 600 + world.comments.length + world.statusesDeleted
        world.comments.push({ id, body, createdAt: world.now })
        return { id, nodeId: `IC_${id}` }
      }),
    'comments.edit': (id, body) =>
      at(writes, 'edit', () => {
        const found = world.comments.find(comment => comment.id === id)
        if (found) found.body = body
        return found ? { nodeId: `IC_${id}` } : 'gone'
      }),
    'branches.heads': names =>
      at(reads, 'heads', () =>
        [...world.branches, ['main', world.main] as const].flatMap(([name, sha]) =>
          names.includes(name) ? [{ name, sha, at: world.now }] : [],
        ),
      ),
    'branches.ofIssue': () =>
      at(reads, 'branches', () => ({
        linked: [],
        ours: [...world.branches]
          .filter(([name]) => name.startsWith('codex/issue-7'))
          .map(([name, sha]) => ({ name, sha })),
        base: { name: 'main', sha: world.main },
        ids: undefined,
      })),
    'branches.create': (name, sha) =>
      at(writes, 'make branch', () => {
        world.branches.set(name, sha)
        return { linked: false }
      }),
    'branches.delete': (name, sha) =>
      at(writes, 'delete branch', () => {
        if (world.branches.get(name) !== sha) return
        // Nobody can end what PostHog does not know; it was told nothing, and so has nothing to do there.
        const isLetGo = (agent: AgentRun) =>
          world.letGo.has(agent.id) && isIdle(agent) && agent.said.size === 0
        const working = world.agents().filter(agent => !isOver(agent) && !isLetGo(agent))
        if (working.length > 0) world.violations.push(`${name} is removed under an agent`)
        world.branches.delete(name)
      }),
    'pulls.find': number =>
      at(reads, 'pull', () => world.pulls.find(each => each.number === number)).catch(notThere),
    'commits.compare': (base, sha) =>
      at(reads, 'compare', () => {
        const branch = world.commits.find(commit => commit.sha === sha)?.branch
        const all = world.commits.filter(commit => commit.branch === branch)
        const commits = all.slice(all.findIndex(commit => commit.sha === base) + 1)
        return { commits, isDescendant: true, paths: [] }
      }),
    'commits.isMerged': () => at(reads, 'merged', () => false),
    'pulls.from': head => at(reads, 'pulls', () => world.pulls.filter(each => each.head === head)),
    'branches.use': name =>
      at(reads, 'branch use', () => ({
        sha: world.branches.get(name),
        repository: 'R_1',
        isUsed: world.pulls.some(({ head, base }) => base === name || head === name),
      })),
    'pulls.create': ({ head, base, title, body }) =>
      at(creates, 'open pull', () => {
        world.effects.push(`pull ${head}`)
        const number = 20 + world.pulls.length
        const sha = world.branches.get(head) ?? ''
        const author = { login: 'codex[bot]', bot: true }
        const words = { title, body, author, createdAt: world.now }
        const view = pullView({ number, url: pullUrl(number), head, sha, base, ...words })
        world.pulls.push(view)
        return view
      }),
    'thread.settle': ({ pull, status, reaction, fold }) =>
      at(writes, 'settle', (): Settled => {
        const { target, content } = reaction ?? {}
        if (target?.kind === 'thread' && content)
          world.reactions.push({ commentId: target.commentId, content })
        if (fold !== undefined && !status) world.folded.add(fold)
        const after = pull && amended(world, pull.number, pull.change ?? {})
        return { ...(after ? { pull: after } : {}), refused: status ? ['status'] : [] }
      }).catch(partly),
  }
}

function agentOf(world: World, taskRunId: string): AgentRun {
  const found = world.agents().find(({ id }) => id === taskRunId)
  if (!found) throw new Rejected('posthog', 404, 'not_found', 'Not found.')
  return found
}

const shownLog = ({ now, script }: World, { log }: AgentRun) =>
  log.filter(({ at }) => at + script.logLate <= now)

export function postHogOf(world: World, worker: Worker): TasksClient {
  const at = <T>(kind: Kind, name: string, effect: () => T): Promise<T> =>
    world.call(worker, { service: 'posthog', name, effect, ...kind })
  const runsOf = (taskId: string) => world.tasks.find(({ id }) => id === taskId)?.runs ?? []
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
        const { status, error, marker, pulls, updatedAt } = agent
        const seen = { status, error, marker, pulls: [...pulls], updatedAt }
        return snapshotWith({ ...seen, log, offset: offset + log.length })
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
    stageArtifact: absent,
    models: absent,
    sandboxes: absent,
  }
}
