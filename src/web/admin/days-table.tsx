/** A table of the last days (UTC), in which each amount has a bar beside those of the other days. */
import type { Outcome } from '../../core/record/run.ts'
import { exactly } from '../../core/text/phrases.ts'
import type { OutcomesOfDay } from './board.ts'
import type { DayFigures } from './figures.ts'

interface Column<Day> {
  title: string
  sort: Sort
  amount(day: Day): number
  /** The largest of the days fills a bar. */
  scale(day: Day): number
  inWords(amount: number): string
}

type Sort = 'good' | 'dim' | 'bad' | 'amount'

const sorts: Record<Outcome['kind'], Sort> = {
  pull: 'good',
  pushed: 'good',
  answer: 'good',
  nothing: 'dim',
  stopped: 'dim',
  unfinished: 'bad',
  failed: 'bad',
}

const sumOf = (outcomes: OutcomesOfDay['outcomes']): number =>
  outcomes.reduce((sum, { count }) => sum + count, 0)

const ended = (sort: Sort, title: string): Column<OutcomesOfDay> => ({
  title,
  sort,
  amount: ({ outcomes }) => sumOf(outcomes.filter(({ kind }) => sorts[kind] === sort)),
  scale: ({ outcomes }) => sumOf(outcomes),
  inWords: String,
})

export const outcomeColumns: readonly Column<OutcomesOfDay>[] = [
  ended('good', 'With a result'),
  ended('dim', 'Stopped or without a change'),
  ended('bad', 'Failed or not finished'),
]

const measured = (
  title: string,
  amount: (day: DayFigures) => number,
  inWords: (amount: number) => string,
): Column<DayFigures> => ({ title, sort: 'amount', amount, scale: amount, inWords })

export const inDollars = (cost: number): string => `$${cost.toFixed(2)}`

export const figureColumns: readonly Column<DayFigures>[] = [
  ...outcomeColumns,
  measured('Mean wait', ({ wait = 0 }) => wait, exactly),
  measured('Money', ({ cost }) => cost, inDollars),
]

interface DaysShown<Day> {
  days: readonly Day[]
  /** A last row, of more days than these. */
  total?: { title: string; day: Day }
  columns: readonly Column<Day>[]
}

const dayName = (at: number): string =>
  new Date(at).toLocaleDateString('en', { weekday: 'short', month: 'short', day: 'numeric', timeZone: 'UTC' })

export function DaysTable<Day extends { day: number }>({ days, total, columns }: DaysShown<Day>) {
  return (
    <table class="numbers">
      <thead>
        <tr>
          {['Day', ...columns.map(({ title }) => title)].map(title => (
            <th scope="col">{title}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {days.map(day => (
          <tr>
            <th scope="row" class="day">
              {dayName(day.day)}
            </th>
            {columns.map(({ sort, amount, scale, inWords }) => (
              <Amount
                sort={sort}
                amount={amount(day)}
                most={Math.max(...days.map(scale))}
                inWords={inWords}
              />
            ))}
          </tr>
        ))}
      </tbody>
      {total && (
        <tfoot>
          <tr>
            <th scope="row">{total.title}</th>
            {columns.map(({ amount, inWords }) => (
              <td>{amount(total.day) === 0 ? '–' : inWords(amount(total.day))}</td>
            ))}
          </tr>
        </tfoot>
      )}
    </table>
  )
}

interface AmountShown extends Pick<Column<never>, 'sort' | 'inWords'> {
  amount: number
  most: number
}

function Amount({ sort, amount, most, inWords }: AmountShown) {
  if (amount === 0) return <td>–</td>
  return (
    <td>
      {inWords(amount)}
      <progress class={sort} value={amount} max={most} aria-hidden="true" />
    </td>
  )
}
