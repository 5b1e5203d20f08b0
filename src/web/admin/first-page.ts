/** What the first page shows: which Runs is decided by the index, and only those are read. */
import type { Check } from '../../core/model/check.ts'
import { holds, type Pauses, pausedPart, pauseOfBot } from '../../core/model/pause.ts'
import type { Group, Whose } from '../../core/record/run-index.ts'
import { atFirst, type Board } from './board.ts'
import type { Filter } from './filters.ts'

/** Of those that share a row. */
const moreAtFirst = 20
const daysShown = 7

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
  const list = (group: Group, size = atFirst) => board.list({ group, whose, size })
  const [questions, failed, setUp, pausedRuns, working, waiting, ended, days, outcomes, failedChecks, said] =
    await Promise.all([
      list('question'),
      board.failed(whose),
      list('set-up', moreAtFirst),
      list('paused', moreAtFirst),
      list('working'),
      list('waiting'),
      list('ended'),
      board.outcomesByDay(daysShown),
      board.outcomes(whose),
      parts.failedChecks(),
      pauses.of(pauseOfBot),
    ])
  const inLine = await board.linesOf(waiting.runs)
  const ofRepository = filter?.kind === 'repository' ? await board.newestIn(filter.name) : undefined
  const repository = ofRepository && {
    run: ofRepository,
    pause: await pauses.of(pausedPart(ofRepository.thread, 'repository')),
  }
  const paused = parts.pausedBecause()
  const now = parts.now()
  const botPause = said && holds(said, now) ? said : undefined
  const lists = { questions, failed, setUp, pausedRuns, working, waiting, ended }
  return { now, filter, ...lists, days, outcomes, failedChecks, paused, botPause, inLine, repository }
}
