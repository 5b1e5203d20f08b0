import { minute } from '../model/time.ts'
import type { Run } from '../run/run.ts'
import type { ReachedLimit } from '../run/start-limits.ts'
import { inlineWords } from '../text/safe-markdown.ts'

/** `you have used 1 of 1 runs in 24 hours` */
export function limitReached({ thread, request }: Run, { of, used, most, window }: ReachedLimit): string {
  const who: Record<ReachedLimit['of'], string> = {
    repository: 'this repository has',
    person: `${inlineWords(request.by.login, 60)} has`,
    thread: `this ${thread.kind === 'issue' ? 'issue' : 'pull request'} has`,
    owner: `${inlineWords(thread.owner, 60)} has`,
    bots: 'bots have',
  }
  const where = of === 'bots' ? ' here' : ''
  return `${who[of]} used ${used} of ${most} runs${where} in ${span(window)}`
}

const span = (ms: number): string =>
  ms < 60 * minute ? `${ms / minute} minutes` : `${ms / (60 * minute)} hours`
