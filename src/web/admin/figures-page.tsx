import { Heading, Layout, type Viewer } from './admin-layout.tsx'
import { FilterForm } from './board-page.tsx'
import { DaysTable, figureColumns, inDollars } from './days-table.tsx'
import type { AllFigures, Figures } from './figures.ts'
import { asWritten, type Filter } from './filters.ts'
import { shown } from './run-view.ts'

interface FiguresShown {
  viewer: Viewer
  filter: Filter | undefined
  figures: AllFigures
  /** Of so many runs at most. */
  most: number
  days: number
}

const maxRows = 20

export function FiguresPage({ viewer, filter, figures, most, days }: FiguresShown) {
  const { total, repositories, people } = figures
  return (
    <Layout title="Outcomes" viewer={viewer}>
      <Heading title="Outcomes" of={asWritten(filter)} />
      <FilterForm filter={filter} to="/admin/outcomes" />
      <p class="dim">
        Of the last {days} days{total.runs < most ? '' : `, and no more than the newest ${most} runs`}. Money
        is what PostHog said when a run ended.
      </p>
      <section class="wide" aria-labelledby="days" tabindex={0}>
        <h2 id="days">By day</h2>
        <p class="dim">Runs that ended on that day, and how long those waited that had to wait in line.</p>
        <DaysTable days={figures.days.slice(-7)} columns={figureColumns} />
      </section>
      <section class="wide" aria-labelledby="repositories" tabindex={0}>
        <h2 id="repositories">By repository</h2>
        <Table name="Repository" rows={repositories.length > 1 ? [total, ...repositories] : repositories} />
      </section>
      <section class="wide" aria-labelledby="people" tabindex={0}>
        <h2 id="people">By person</h2>
        <Table name="Person" rows={people} />
      </section>
    </Layout>
  )
}

const each = (cost: number, count: number): string => (count === 0 ? '–' : inDollars(cost / count))

function Table({ name, rows }: { name: string; rows: readonly Figures[] }) {
  if (rows.length === 0) return <p class="dim">Nothing has ended.</p>
  return (
    <table class="numbers">
      <thead>
        <tr>
          {[
            name,
            'Runs',
            'Pull requests',
            'Merged',
            'Closed',
            'Cost',
            'Per pull request',
            'Per merged one',
          ].map(title => (
            <th scope="col">{title}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, maxRows).map(row => (
          <tr>
            <th scope="row">
              <bdi>{shown(row.name)}</bdi>
            </th>
            <td>{row.runs}</td>
            <td>{row.pulls}</td>
            <td>{row.merged}</td>
            <td>{row.closed}</td>
            <td>{inDollars(row.cost)}</td>
            <td>{each(row.cost, row.pulls)}</td>
            <td>{each(row.cost, row.merged)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
