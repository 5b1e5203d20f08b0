import { minute } from '../model/time.ts'
import type { Run } from '../run/run.ts'
import type { Scope } from '../run/run-index.ts'
import type { ReachedLimit } from '../run/start-limits.ts'
import { code } from '../text/safe-markdown.ts'
import { counted } from './words.ts'

/** `` `maya` started 12 runs in 24 hours; the limit is 1 `` */
export function limitReached({ thread, request }: Run, { of, used, most, window }: ReachedLimit): string {
  const thing = thread.kind === 'issue' ? 'issue' : 'pull request'
  const started: Record<ReachedLimit['of'], string> = {
    repository: `this repository started ${counted(used, 'run')}`,
    person: `${code(request.by.login)} started ${counted(used, 'run')}`,
    thread: `this ${thing} started ${counted(used, 'run')}`,
    owner: `${code(thread.owner)} started ${counted(used, 'run')}`,
    bots: `bots started ${counted(used, 'run')} here`,
  }
  return `${started[of]} in ${span(window)}; the limit is ${most}`
}

/** `only one run may work here at a time, and one does` */
export function allBusy({ thread, request, baseline }: Run, of: Scope): string {
  const most = baseline.settings.limits[of]
  const where: Record<Scope, string> = {
    repository: 'may work here',
    person: `of ${code(request.by.login)} may work`,
    owner: `may work in the repositories of ${code(thread.owner)}`,
  }
  const [runs, does] = most === 1 ? ['one run', 'one does'] : [`${most} runs`, `${most} do`]
  return `only ${runs} ${where[of]} at a time, and ${does}`
}

const span = (ms: number): string =>
  ms < 60 * minute ? `${ms / minute} minutes` : `${ms / (60 * minute)} hours`
