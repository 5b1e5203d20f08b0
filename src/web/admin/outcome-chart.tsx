import { hour, minute, second } from '../../core/model/time.ts'
import type { Outcome } from '../../core/record/run.ts'
import { exactly } from '../../core/text/phrases.ts'
import type { OutcomesOfDay } from './board.ts'

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

const legend: readonly [Sort, string][] = [
  ['good', 'with a result'],
  ['dim', 'stopped or without a change'],
  ['bad', 'failed or not finished'],
]

const height = 80
const step = 48
const bar = 28

const dayName = (at: number): string =>
  new Date(at).toLocaleDateString('en', { weekday: 'short', timeZone: 'UTC' })

const countOf = ({ outcomes }: OutcomesOfDay, sort?: Sort): number =>
  outcomes
    .filter(({ kind }) => sort === undefined || sorts[kind] === sort)
    .reduce((sum, { count }) => sum + count, 0)

interface Bar {
  day: number
  parts: readonly { sort: Sort; amount: number }[]
  /** Above it. */
  label: string
}

/** A bar for each day, in parts on top of each other. */
function Bars({ bars, words }: { bars: readonly Bar[]; words: string }) {
  const most = Math.max(...bars.map(({ parts }) => parts.reduce((sum, { amount }) => sum + amount, 0))) || 1
  const floor = height + 18
  return (
    <svg viewBox={`0 0 ${bars.length * step} ${height + 40}`} role="img" aria-label={words}>
      {bars.map(({ day, parts, label }, at) => {
        const x = at * step + (step - bar) / 2
        let top = floor
        return (
          <g>
            {parts.map(({ sort, amount }) => {
              const tall = (amount / most) * height
              top -= tall
              return <rect class={`${sort}-fill`} x={x} y={top} width={bar} height={tall} />
            })}
            <text x={x + bar / 2} y={top - 4} text-anchor="middle">
              {label}
            </text>
            <text x={x + bar / 2} y={floor + 16} text-anchor="middle">
              {dayName(day)}
            </text>
          </g>
        )
      })}
      <line class="axis" x1="0" x2={bars.length * step} y1={floor} y2={floor} />
    </svg>
  )
}

/** The runs that ended on each day, by what came of them. */
export function OutcomeChart({ days }: { days: readonly OutcomesOfDay[] }) {
  const bars = days.map(each => ({
    day: each.day,
    parts: legend.map(([sort]) => ({ sort, amount: countOf(each, sort) })),
    label: String(countOf(each) || ''),
  }))
  const words = days.map(each => `${dayName(each.day)} ${countOf(each)}`).join(', ')
  return (
    <figure class="chart">
      <Bars bars={bars} words={`Ended runs by day: ${words}`} />
      <ul class="legend">
        {legend.map(([sort, name]) => (
          <li>
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <rect class={`${sort}-fill`} width="12" height="12" />
            </svg>
            {days.reduce((sum, each) => sum + countOf(each, sort), 0)} {name}
          </li>
        ))}
      </ul>
    </figure>
  )
}

interface AmountsShown {
  name: string
  amounts: readonly { day: number; amount: number }[]
  inWords(amount: number): string
  /** Where there is little room. */
  shortly(amount: number): string
}

/** One amount for each day. */
function AmountChart({ name, amounts, inWords, shortly }: AmountsShown) {
  const bars = amounts.map(({ day, amount }) => ({
    day,
    parts: [{ sort: 'amount' as const, amount }],
    label: amount === 0 ? '' : shortly(amount),
  }))
  const words = amounts.map(({ day, amount }) => `${dayName(day)} ${inWords(amount)}`).join(', ')
  return (
    <figure class="chart">
      <Bars bars={bars} words={`${name}: ${words}`} />
    </figure>
  )
}

export const MoneyChart = ({ days }: { days: readonly { day: number; cost: number }[] }) => (
  <AmountChart
    name="Money by day"
    amounts={days.map(({ day, cost }) => ({ day, amount: cost }))}
    inWords={inDollars}
    shortly={cost => (cost < 100 ? inDollars(cost) : `$${Math.round(cost)}`)}
  />
)

export const WaitChart = ({ days }: { days: readonly { day: number; wait: number | undefined }[] }) => (
  <AmountChart
    name="Mean wait by day"
    amounts={days.map(({ day, wait = 0 }) => ({ day, amount: wait }))}
    inWords={exactly}
    shortly={roughly}
  />
)

export const inDollars = (cost: number): string => `$${cost.toFixed(2)}`

function roughly(ms: number): string {
  if (ms < minute) return `${Math.round(ms / second)} s`
  return ms < hour ? `${Math.round(ms / minute)} min` : `${Number((ms / hour).toFixed(1))} h`
}
