/**
 * PostHog's own words into a run: a while after a turn that left a pull request it sends the agent to look at the
 * checks and reviews, in the same run and log as everybody else's words [R: `CI_FOLLOW_UP_DELAY`,
 * `MAX_CI_REPETITIONS`, `DEFAULT_CI_MESSAGE`].
 */
import type { Behaviour } from './behaviour.ts'
import { timerMs } from './pause.ts'
import type { Message, Run } from './run.ts'

const maxRepetitions = 3

/** The beginning of the real one. */
const words = 'You are re-entering this run to address CI feedback on the pull request you opened.'

const allGreen: Behaviour = {
  kind: 'answers',
  text: 'All required checks are green and no review asks for a change, so there was nothing to do.',
}

/** Nothing when the run had its three, or has ended. */
export function ciMessage(run: Run, behaviour: Behaviour = allGreen): Message | undefined {
  if (run.terminal || run.ciTurns >= maxRepetitions) return undefined
  run.ciTurns += 1
  run.progress('ci', 'in_progress', 'Keeping CI green')
  return { text: words, id: undefined, behaviour }
}

/** @returns what calls it off, as soon as somebody else has words for the run */
export function scheduleCi(run: Run, ms: number, send: (message: Message) => void): () => void {
  if (typeof run.output?.pr_url !== 'string') return () => {}
  const timer = setTimeout(() => {
    const message = ciMessage(run)
    if (message) send(message)
  }, timerMs(ms)).unref()
  return () => clearTimeout(timer)
}
