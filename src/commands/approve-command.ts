/** `approve` carries out the last plan of the thread, unless somebody changed it, or pushed to its branch, since. */
import { OfRetry, type Options } from '../core/command/options.ts'
import type { RunRequest } from '../core/record/request-part.ts'
import type { Outcome, Run } from '../core/record/run.ts'
import { type CommandRequest, command, type Reads, reject, wants } from './command.ts'
import { inTheWay } from './join-or-wait.ts'
import { decideStart, type StartReads, startFacts } from './new-run.ts'

interface MadePlan {
  approves: NonNullable<RunRequest['approves']>
  options: Options
  /** Its branch was one of ours without a commit, which goes when nobody may use it any more. */
  mayGo: boolean
  /** What the queue still has of its Run. */
  run: Run | undefined
}

const wantedByPlan = (request: CommandRequest, { approves, options }: MadePlan) =>
  wants(request, { text: 'Carry out the plan you made.', typed: 'approve', options, approves })

export const approveCommand = command({
  name: 'approve',
  usage: '/codex approve',
  example: '/codex approve',
  about: 'Carries out the plan above.',
  least: 'write',
  takes: 'nothing',
  options: false,
  starts: true,

  async facts(reads: StartReads & Pick<Reads, 'isPlanAsSaid'>, request) {
    const live = await reads.live()
    if (live && live.id !== request.runId) return { live }
    const plan = await planOf(reads, request.trigger.thread.defaultBranch)
    const { trigger } = request
    // A ticked box approves the plan of its own comment, while that is the newest run.
    if (!plan || (trigger.kind === 'tick' && trigger.run !== plan.approves.plan)) return {}
    const { branch } = plan.approves
    const [now, isAsSaid, start] = await Promise.all([
      branch === undefined ? undefined : reads.branch(branch),
      reads.isPlanAsSaid(),
      startFacts(reads, request, wantedByPlan(request, plan)),
    ])
    return { plan, now, isAsSaid, start }
  },

  decide(request, { live, plan, now, isAsSaid, start }) {
    if (live) return inTheWay(live, 'approve')
    if (!plan) return reject('nothingToApprove')
    const { branch, sha, ...anywhere } = plan.approves
    if (!isAsSaid)
      return plan.run && anywhere.text !== undefined
        ? { kind: 'show-plan', run: plan.run }
        : reject('planChanged', undefined)
    if (branch !== undefined && !now) {
      if (!plan.mayGo) return reject('planElsewhere', branch)
      return decideStart(request, wantedByPlan(request, { ...plan, approves: anywhere }), start)
    }
    if (now && sha !== undefined && now.sha !== sha)
      return reject('planOutdated', now.name, now.sha)
    return decideStart(request, wantedByPlan(request, plan), start)
  },
})

async function planOf(
  reads: Pick<Reads, 'conversation'>,
  defaultBranch: string,
): Promise<MadePlan | undefined> {
  const { marker, lastRun } = (await reads.conversation()) ?? {}
  if (marker?.what !== 'plan' || marker.task === undefined) return undefined
  const outcome = lastRun?.result.outcome
  if (outcome && unplanned.has(outcome.kind)) return undefined
  // The marker names the branch of an open pull request, which a plan for another one was not made on.
  const made = lastRun?.workspace.branch
  const { name: branch, sha } = made ?? { name: marker.branch, sha: marker.sha }
  // A base moves all the time, and the work gets its own branch.
  const bound = branch !== undefined && branch !== defaultBranch && branch !== made?.into
  const text = lastRun?.session.sessionLog?.answer?.slice(0, maxOfPlan).toWellFormed()
  return {
    approves: {
      plan: marker.run,
      branch: bound ? branch : undefined,
      sha: bound ? sha : undefined,
      text,
    },
    options: lastRun ? OfRetry.parse(lastRun.request.options) : {},
    mayGo: made?.made === true && made.fresh,
    run: lastRun,
  }
}

const unplanned = new Set<Outcome['kind']>(['failed', 'stopped', 'unfinished', 'nothing'])
const maxOfPlan = 8_000
