import type { Outcome } from '../../core/record/run.ts'
import type { OutcomesOfDay } from './board.ts'

type Sort = 'good' | 'dim' | 'bad'

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

const sumOf = ({ outcomes }: OutcomesOfDay, sort?: Sort): number =>
  outcomes
    .filter(({ kind }) => sort === undefined || sorts[kind] === sort)
    .reduce((sum, { count }) => sum + count, 0)

/** The runs that ended on each day, stacked by what came of them. */
export function OutcomeChart({ days }: { days: readonly OutcomesOfDay[] }) {
  const most = Math.max(1, ...days.map(each => sumOf(each)))
  const words = days.map(each => `${dayName(each.day)} ${sumOf(each)}`).join(', ')
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${days.length * step} ${height + 40}`}
        role="img"
        aria-label={`Ended runs by day: ${words}`}
      >
        {days.map((each, at) => (
          <Day of={each} x={at * step + (step - bar) / 2} scale={height / most} />
        ))}
        <line class="axis" x1="0" x2={days.length * step} y1={height + 18} y2={height + 18} />
      </svg>
      <ul class="legend">
        {legend.map(([sort, name]) => (
          <li>
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <rect class={`${sort}-fill`} width="12" height="12" />
            </svg>
            {days.reduce((sum, each) => sum + sumOf(each, sort), 0)} {name}
          </li>
        ))}
      </ul>
    </figure>
  )
}

function Day({ of, x, scale }: { of: OutcomesOfDay; x: number; scale: number }) {
  let top = height + 18
  const bars = legend.map(([sort]) => {
    const tall = sumOf(of, sort) * scale
    top -= tall
    return <rect class={`${sort}-fill`} x={x} y={top} width={bar} height={tall} />
  })
  const sum = sumOf(of)
  return (
    <g>
      {bars}
      {sum === 0 ? null : (
        <text x={x + bar / 2} y={top - 4} text-anchor="middle">
          {sum}
        </text>
      )}
      <text x={x + bar / 2} y={height + 34} text-anchor="middle">
        {dayName(of.day)}
      </text>
    </g>
  )
}
