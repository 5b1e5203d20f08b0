/** What the first page shows: which Runs is decided by the index, and only those are read. */
import type { Check } from '../../core/model/check.ts'
import { holds, type Pauses, pausedPart, pauseOfBot } from '../../core/model/pause.ts'
import type { Whose } from '../../core/record/run-index.ts'
import { atFirst, type Board, type Listing } from './board.ts'
import type { Filter } from './filters.ts'

/** Of those that share a row. */
const moreAtFirst = 20

const sizes = {
  ...{ question: atFirst, 'set-up': moreAtFirst, paused: moreAtFirst },
  ...{ working: atFirst, waiting: atFirst, ended: atFirst },
} as const
const groups = ['question', 'set-up', 'paused', 'working', 'waiting', 'ended'] as const

interface Parts {
  board: Board
  pauses: Pauses
  failedChecks(): Promise<readonly Check[]>
  pausedBecause(): string | undefined
  now(): number
}

interface View {
  filter: Filter | undefined
  whose: Whose | undefined
}

export async function onFirstPage(parts: Parts, { filter, whose }: View) {
  const { board, pauses } = parts
  const [lists, failed, failedChecks, said] = await Promise.all([
    board.lists(groups.map(group => ({ group, whose, size: sizes[group] }))),
    board.failed(whose),
    parts.failedChecks(),
    pauses.of(pauseOfBot),
  ])
  const of = (group: keyof typeof sizes): Listing =>
    lists[groups.indexOf(group)] ?? { runs: [], count: 0, page: 1, isLast: true }
  const ofRepository = filter?.kind === 'repository' ? await board.newestIn(filter.name) : undefined
  const repository = ofRepository && {
    run: ofRepository,
    pause: await pauses.of(pausedPart(ofRepository.thread, 'repository')),
  }
  const paused = parts.pausedBecause()
  const now = parts.now()
  const botPause = said && holds(said, now) ? said : undefined
  return {
    questions: of('question'),
    failed,
    setUp: of('set-up'),
    pausedRuns: of('paused'),
    working: of('working'),
    waiting: of('waiting'),
    ended: of('ended'),
    ...{ now, filter, failedChecks, paused, botPause, repository },
  }
}
