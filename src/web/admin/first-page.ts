/** What the first page shows: which Runs is decided by the index, and only those are read. */
import type { Check } from '../../core/model/check.ts'
import type { Whose } from '../../core/record/run-index.ts'
import { atFirst, type Board, type Listing } from './board.ts'
import type { Filter } from './filters.ts'

/** Of those that share a row. */
const moreAtFirst = 20

const sizes = {
  ...{ question: atFirst, 'set-up': moreAtFirst },
  ...{ working: atFirst, waiting: atFirst, ended: atFirst },
} as const
const groups = ['question', 'set-up', 'working', 'waiting', 'ended'] as const

interface Parts {
  board: Board
  failedChecks(): Promise<readonly Check[]>
  now(): number
}

interface View {
  filter: Filter | undefined
  whose: Whose | undefined
}

export async function onFirstPage(parts: Parts, { filter, whose }: View) {
  const { board } = parts
  const [lists, failed, failedChecks] = await Promise.all([
    board.lists(groups.map(group => ({ group, whose, size: sizes[group] }))),
    board.failed(whose),
    parts.failedChecks(),
  ])
  const of = (group: keyof typeof sizes): Listing =>
    lists[groups.indexOf(group)] ?? { runs: [], count: 0, page: 1, isLast: true }
  return {
    questions: of('question'),
    failed,
    setUp: of('set-up'),
    working: of('working'),
    waiting: of('waiting'),
    ended: of('ended'),
    ...{ now: parts.now(), filter, failedChecks },
  }
}
