/** One list as a whole: of a group, of an outcome, or of what was looked for. */
import type { Child } from 'hono/jsx'
import type { Outcome, Run } from '../../core/record/run.ts'
import type { Group } from '../../core/record/run-index.ts'
import { Heading, Layout, type Viewer } from './admin-layout.tsx'
import type { Found, Listed, Listing, OutcomesOfDay } from './board.ts'
import { FilterForm } from './filter-form.tsx'
import { asWritten, type Filter, pathTo } from './filters.ts'
import { type InLines, RunList } from './run-list.tsx'
import { stateWords } from './run-view.ts'

export const sectionTitles: Record<Group, string> = {
  question: 'Wait for an answer or a permission',
  'set-up': 'Held by a wrong set-up',
  paused: 'Wait for the end of a pause',
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

type State = Outcome['kind']

interface StatesShown {
  filter: Filter | undefined
  outcomes: OutcomesOfDay['outcomes']
  /** The one that is shown. */
  state?: State | undefined
}

/** How many ended how, each with its list. */
export function States({ filter, outcomes, state }: StatesShown) {
  const some = outcomes.filter(({ kind, count }) => count > 0 || kind === state)
  if (some.length === 0) return null
  const to = (of?: State): string => pathTo('/admin/list/ended', { filter: asWritten(filter), state: of })
  return (
    <nav class="row" aria-label="By outcome">
      {state === undefined ? null : <a href={to()}>All</a>}
      {some.map(({ kind, count }) => (
        <a href={to(kind)} aria-current={kind === state ? 'page' : undefined}>
          {`${stateWords[kind]} ${count}`}
        </a>
      ))}
    </nav>
  )
}

export interface ListShown {
  viewer: Viewer
  now: number
  group: Group
  filter: Filter | undefined
  listing: Listing
  inLine: InLines
  /** How many ended how, in their list. */
  outcomes: OutcomesOfDay['outcomes']
  state: State | undefined
}

export function ListPage({ viewer, now, group, filter, listing, inLine, outcomes, state }: ListShown) {
  const { page, isLast, count } = listing
  const title = `${sectionTitles[group]}${state === undefined ? '' : `: ${stateWords[state]}`}`
  const to = (at: number): string =>
    pathTo(`/admin/list/${group}`, { filter: asWritten(filter), state, page: at })
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
      <FilterForm viewer={viewer} filter={filter} search="" to="/admin/" />
      <States filter={filter} outcomes={outcomes} state={state} />
      <section aria-label={title}>
        {count === 0 ? <p class="dim">There is none.</p> : null}
        <RunList runs={dataOf(listing)} viewer={viewer} now={now} inLine={inLine} />
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

interface FoundShown {
  viewer: Viewer
  now: number
  filter: Filter | undefined
  search: string
  found: Found
}

export function FoundPage({ viewer, now, filter, search, found }: FoundShown) {
  const isNone = found.runs.length === 0
  const title = isNone ? 'Nothing found' : 'Found'
  return (
    <Layout title={title} viewer={viewer}>
      <Heading title={title} />
      <FilterForm viewer={viewer} filter={filter} search={search} to="/admin/" />
      <p>
        {isNone ? 'No run ' : found.isLast ? 'All runs ' : `The newest ${found.runs.length} runs `}
        of the last 30 days
        {filter ? (
          <>
            {' '}
            of <bdi>{asWritten(filter)}</bdi>
          </>
        ) : null}{' '}
        {isNone ? 'has' : 'with'} “<bdi>{search}</bdi>”.
        {isNone ? ' Whole words of a title are found, and numbers of threads and pull requests.' : ''}
      </p>
      {isNone ? null : (
        <section aria-label="Found">
          <RunList runs={dataOf(found)} viewer={viewer} now={now} />
        </section>
      )}
    </Layout>
  )
}

interface UnknownShown {
  viewer: Viewer
  filter: Filter
  search?: string
  to: string
}

export const UnknownPage = ({ viewer, filter, search, to }: UnknownShown) => (
  <Layout title="Nothing found" viewer={viewer}>
    <Heading title="Nothing found" of="" />
    <FilterForm viewer={viewer} filter={filter} {...(search === undefined ? {} : { search })} to={to} />
    <p>
      There is no {filter.kind} called <bdi>{filter.name}</bdi> here. No run of the last 30 days matches.
    </p>
  </Layout>
)
