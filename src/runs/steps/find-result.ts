/** The result of a Run, as GitHub has it, never from the agent's text. */

import { Rejected } from '../../core/model/errors.ts'
import { agentsCommit, maxClaims } from '../../core/model/own-pull-request.ts'
import { threadName } from '../../core/model/thread.ts'
import type { PullView } from '../../core/model/views.ts'
import { type ChangeOf, changed, type Run } from '../../core/run/run.ts'
import { disarm } from '../../core/text/harmless-nodes.ts'
import { quoted } from '../../core/text/safe-markdown.ts'
import { costSoFar, isOwn, withFound, withPull } from './adopt-pull.ts'
import { believeAbsent, once, type StepContext } from './step-context.ts'
import { putRight } from './tend-pull.ts'

type Finding = StepContext<'pullsFrom' | 'branch' | 'commitsSince' | 'isDescendant'>

export async function findResult(
  context: Finding & StepContext<'openPull' | 'amendPull', 'cost'>,
): Promise<ChangeOf<'result' | 'session'>> {
  const costing = costSoFar(context)
  const { found, seen } = await pullsOfHeads(context)
  const pushed = await pushedTo(context)
  const cost = await costing
  const { run } = context
  const pulls = found ? withFound(run, found) : {}
  const known = changed(run, {
    result: { ...pulls, resultChecked: true, pushed: pushed?.commit ?? run.result.pushed },
  })
  const isHeld = seen.some(({ head }) => head.sha === pushed?.head)
  const opens = pushed !== undefined && !isHeld && canOpen(known)
  return { result: opens ? await openOurs(context, known) : known.result, session: { cost } }
}

async function pullsOfHeads(context: Finding): Promise<{ found?: PullView; seen: PullView[] }> {
  const { run } = context
  const { branch } = run.workspace
  const heads = new Set([run.session.taskRun?.headBranch, branch?.made ? branch.name : undefined])
  const known = new Set(run.result.pulls.map(({ number }) => number))
  const seen: PullView[] = []
  for (const head of heads) {
    if (head === undefined || head === run.thread.defaultBranch || head === run.baseline.head?.ref) continue
    const views = await context.github.pullsFrom(head)
    seen.push(...views)
    const fresh = views.filter(({ state, number }) => state !== 'closed' && !known.has(number))
    for (const view of fresh.slice(0, maxClaims)) if (await isOwn(context, view)) return { found: view, seen }
  }
  return { seen }
}

interface Pushed {
  commit: string
  head: string
}

async function pushedTo(context: Finding): Promise<Pushed | undefined> {
  const { branch } = context.run.workspace
  if (context.run.request.what === 'plan') return pushedByPlan(context)
  if (!branch) return undefined
  const now = await context.github.branch(branch.name)
  if (!now) believeAbsent(context, `The branch ${branch.name}`)
  if (!now || now.sha === branch.sha) return undefined
  const commits = await context.github.commitsSince(branch.sha, now.sha)
  const commit = agentsCommit(context.run, now.sha, commits)
  return commit === undefined ? undefined : { commit, head: now.sha }
}

/** Only the prompt forbids a plan to push, so it is checked. */
async function pushedByPlan({ run, github }: StepContext<'branch'>): Promise<Pushed | undefined> {
  const { branch } = run.workspace
  const head = run.session.taskRun?.headBranch
  const worked = head === undefined ? undefined : await github.branch(head)
  if (!worked || (worked.name === branch?.name && worked.sha === branch.sha)) return undefined
  return { commit: worked.sha, head: worked.sha }
}

const canOpen = (run: Run): boolean =>
  run.thread.kind === 'issue' &&
  run.request.what === 'work' &&
  run.workspace.branch?.made === true &&
  !run.result.pulls.some(({ state }) => state === 'open') &&
  !run.mailbox.stop

async function openOurs(
  context: StepContext<'pullsFrom' | 'openPull' | 'amendPull'>,
  run: Run,
): Promise<Run['result']> {
  const { branch } = run.workspace
  if (!branch) return run.result
  const body = [
    `Closes #${run.thread.number}`,
    run.session.sessionLog?.answer ? quoted(run.session.sessionLog.answer, 4_000) : '',
    `Asked by ${run.request.by.login} on ${threadName(run.thread)}; opened by the bot, since the agent left its commits on the branch.`,
  ]
  try {
    const view = await once(context, {
      intent: { kind: 'open-pull', at: context.deps.now() },
      find: async () => (await context.github.pullsFrom(branch.name)).find(({ state }) => state === 'open'),
      perform: () =>
        context.github.openPull({
          head: branch.name,
          base: branch.into,
          // A squash merge makes it a commit subject, on which GitHub acts.
          title: disarm(run.baseline.snapshot.title),
          body: body.filter(part => part !== '').join('\n\n'),
        }),
    })
    return { ...run.result, pulls: withPull(run.result.pulls, await putRight(context, view)) }
  } catch (error) {
    if (error instanceof Rejected && error.of === 'effect') return run.result
    throw error
  }
}
