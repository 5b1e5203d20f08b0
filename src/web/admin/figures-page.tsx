import type { Child } from 'hono/jsx'
import { figuresKeptDays } from '../../core/record/run-figures.ts'
import { Heading, Layout, type Viewer } from './admin-layout.tsx'
import { DaysTable, figureColumns, inDollars } from './days-table.tsx'
import { type AllFigures, type Figures, usualDays } from './figures.ts'
import { FilterForm } from './filter-form.tsx'
import { asWritten, type Filter } from './filters.ts'
import { shown } from './run-view.ts'

interface FiguresShown {
  viewer: Viewer
  filter: Filter | undefined
  figures: AllFigures
}

const maxRows = 20

export function FiguresPage({ viewer, filter, figures }: FiguresShown) {
  const { total, days, allDays, repositories, people } = figures
  const earlier = days.slice(0, -usualDays)
  return (
    <Layout title="Outcomes" viewer={viewer}>
      <Heading title="Outcomes" of={asWritten(filter)} />
      <FilterForm viewer={viewer} filter={filter} to="/admin/outcomes" />
      <p class="dim">
        Whole days in UTC, of the last {figuresKeptDays}. A run counts on the day of its last end, with the
        money that PostHog said then.
      </p>
      <section class="wide" aria-labelledby="days" tabindex={0}>
        <h2 id="days">By day</h2>
        <p class="dim">Runs that ended on that day, and how long those waited that had to wait in line.</p>
        <More count={earlier.length} of="earlier days">
          <DaysTable days={earlier} columns={figureColumns} />
        </More>
        <DaysTable
          days={days.slice(-usualDays)}
          columns={figureColumns}
          total={{ title: `All ${figuresKeptDays} days`, day: allDays }}
        />
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

/** What is left out at first. */
function More({ count, of, children }: { count: number; of: string; children?: Child }) {
  if (count === 0) return null
  return (
    <details>
      <summary>{`${count} ${of}`}</summary>
      {children}
    </details>
  )
}

function Table({ name, rows }: { name: string; rows: readonly Figures[] }) {
  if (rows.length === 0) return <p class="dim">Nothing has ended.</p>
  return (
    <>
      <Rows name={name} rows={rows.slice(0, maxRows)} />
      <More count={rows.slice(maxRows).length} of="more">
        <Rows name={name} rows={rows.slice(maxRows)} />
      </More>
    </>
  )
}

function Rows({ name, rows }: { name: string; rows: readonly Figures[] }) {
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
        {rows.map(row => (
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
