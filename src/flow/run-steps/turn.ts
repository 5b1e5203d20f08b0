/** Waiting for one's turn, and asking once more whether it may be taken. */
import { mayAct } from '../../core/command/table.ts'
import { Refused } from '../../core/faults.ts'
import type { Outcome, Run } from '../../core/run.ts'
import { ahead } from '../../core/turn.ts'
import { failed } from './branch.ts'
import type { Hand } from './hand.ts'

const askAgain = 3_000

export async function takeTurn(hand: Hand): Promise<Run> {
  const { run, job, deps } = hand
  const live = await deps.live()
  const place = ahead({ id: job.id, addedAt: job.addedAt, data: run }, live)
  if (place > 0) return { ...run, ahead: place, nextLookAt: deps.now() + askAgain }
  // Who had to wait may have lost the right to it meanwhile.
  if (run.ahead !== undefined && !(await stillMay(hand))) return failed(hand, notAnyMore)
  return { ...run, turn: true, ahead: undefined, nextLookAt: undefined }
}

async function stillMay({ github, run }: Hand): Promise<boolean> {
  try {
    return mayAct((await github.permission(run.ask.by.login)).role, 'write')
  } catch (error) {
    if (error instanceof Refused) return false
    throw error
  }
}

const notAnyMore: Outcome = {
  is: 'failed',
  class: 'permission',
  reason: 'Who asked for this may not start runs here any more',
  fix: 'Somebody with write permission can ask again.',
}
