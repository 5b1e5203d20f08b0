/**
 * The one place where a Run moves on. Timers, webhooks and restarts only say "look now"; each call reads
 * what was said, decides one step after another, does it, writes the result, and parks.
 */

import type { Held, Verdict } from '../core/model/ports.ts'
import { readNotes } from '../core/run/messages.ts'
import { type Doing, nextStep, steps } from '../core/run/next-step.ts'
import { eased } from '../core/run/outage.ts'
import type { Outcome, Run } from '../core/run/run.ts'
import { limits, soonestLook } from '../core/run/timing.ts'
import { afterFault } from './steps/after-fault.ts'
import { failed } from './steps/find-branch.ts'
import { act } from './steps/registry.ts'
import { type Hand, handOf, type RunDeps } from './steps/step-context.ts'
import { difference } from './steps/tell-thread.ts'

export const advanceRun =
  (deps: RunDeps) =>
  async (job: Held<Run>): Promise<Verdict> => {
    const hand = handOf(deps, job)
    const opened = givenUp(hand, readNotes(job.data, await job.inbox()))
    if (opened !== job.data) await hand.save(opened)
    hand.run = await lookingSoon(hand)
    const inVain = new Set<string>()
    for (;;) {
      if (job.signal.aborted) return { do: 'park', ms: 0 }
      const step = nextStep(hand.run, { at: deps.now(), text: difference(hand) })
      if (step.do === 'wait') return { do: 'park', ms: step.ms }
      if (step.do === 'end') {
        if (!(await finished(hand))) continue
        if (hand.run.taskRun) deps.stream.unwatch(hand.run.taskRun.id)
        deps.reached('before the end')
        return { do: 'end' }
      }
      const asked = JSON.stringify(step)
      if (inVain.has(asked)) return { do: 'park', ms: limits.inVain }
      if (!(await take(hand, step))) inVain.add(asked)
    }
  }

/**
 * Whoever woke the Run before its time had a reason: the look is brought forward, as far as the budget of
 * calls allows.
 */
async function lookingSoon({ run, deps }: Hand): Promise<Run> {
  const { lastLookAt, nextLookAt } = run
  if (lastLookAt === undefined || nextLookAt === undefined || nextLookAt <= deps.now()) return run
  return { ...run, nextLookAt: Math.min(nextLookAt, lastLookAt + soonestLook(await deps.liveRuns())) }
}

/** Something may have been said while the last step was under way. */
async function finished(hand: Hand): Promise<boolean> {
  const heard = readNotes(hand.run, await hand.job.inbox())
  const quiet = heard.notesRead === hand.run.notesRead
  if (!quiet) await hand.save(heard)
  return quiet
}

/** A Run whose every step kills the process, or throws, is ended with a word instead of tried for ever. */
function givenUp(hand: Hand, run: Run): Run {
  const { stalls, failures } = hand.job
  if (run.outcome || (stalls - run.stallsSeen < limits.stalls && failures < limits.stalls)) return run
  return { ...failed({ ...hand, run }, crashed), stallsSeen: stalls }
}

const crashed: Outcome = {
  is: 'failed',
  class: 'lost',
  reason: 'The bot itself failed at this ten times in a row',
  fix: 'Tell an admin of this bot; its log names the run. `/codex retry` tries again.',
}

/** False: it came to nothing, so that it may be the next one again, whatever the record says of a wait. */
async function take(hand: Hand, step: Doing): Promise<boolean> {
  const { asks, kind } = steps[step.do]
  const before = JSON.stringify(hand.run)
  try {
    const run = await act(hand, step)
    await hand.save({ ...eased(run, asks, kind), stallsSeen: hand.job.stalls })
    return JSON.stringify(hand.run) !== before
  } catch (error) {
    await hand.save(afterFault(hand, step, error))
    return false
  }
}
