/** One list as a whole. */
import type { Child } from 'hono/jsx'
import type { Run } from '../../core/record/run.ts'
import type { Group } from '../../core/record/run-index.ts'
import { Heading, Layout, type Viewer } from './admin-layout.tsx'
import type { Listed, Listing } from './board.ts'
import { FilterForm } from './filter-form.tsx'
import { asWritten, type Filter, pathTo } from './filters.ts'
import { RunList } from './run-list.tsx'

export const sectionTitles: Record<Group, string> = {
  question: 'Wait for an answer or a permission',
  'set-up': 'Held by a wrong set-up',
  working: 'What is running',
  waiting: 'What is coming',
  failed: 'Failed in the last three days',
  ended: 'What happened in the last seven days',
}

export const dataOf = ({ runs }: { runs: readonly Listed[] }): Run[] => runs.map(({ data }) => data)

export const moreOf = (
  group: Group,
  { isLast, count }: Listing,
  filter: Filter | undefined,
  words = `All ${count}`,
): Child =>
  isLast ? null : (
    <p>
      <a href={pathTo(`/admin/list/${group}`, { filter: asWritten(filter) })}>{words}</a>
    </p>
  )

interface ListShown {
  viewer: Viewer
  now: number
  group: Group
  filter: Filter | undefined
  listing: Listing
}

export function ListPage({ viewer, now, group, filter, listing }: ListShown) {
  const { page, isLast, count } = listing
  const title = sectionTitles[group]
  const to = (at: number): string => pathTo(`/admin/list/${group}`, { filter: asWritten(filter), page: at })
  return (
    <Layout title={title} viewer={viewer}>
      <h1>
        {title}
        {filter ? (
          <>
            , of <bdi>{asWritten(filter)}</bdi>
          </>
        ) : null}{' '}
        <span class="count">{count}</span>
      </h1>
      <FilterForm viewer={viewer} filter={filter} />
      <section aria-label={title}>
        {count === 0 ? <p class="dim">There is none.</p> : null}
        <RunList runs={dataOf(listing)} viewer={viewer} now={now} />
        {page > 1 || !isLast ? (
          <nav class="row" aria-label="More">
            {page > 1 ? <a href={to(page - 1)}>Back</a> : null}
            {isLast ? null : <a href={to(page + 1)}>Next</a>}
          </nav>
        ) : null}
      </section>
    </Layout>
  )
}

export const UnknownPage = ({ viewer, filter }: { viewer: Viewer; filter: Filter }) => (
  <Layout title="Nothing found" viewer={viewer}>
    <Heading title="Nothing found" />
    <FilterForm viewer={viewer} filter={filter} />
    <p>
      There is no {filter.kind === 'number' ? 'issue or pull request' : filter.kind} called{' '}
      <bdi>{filter.kind === 'number' ? asWritten(filter) : filter.name}</bdi> here. No run of the last 30 days
      matches.
    </p>
  </Layout>
)
