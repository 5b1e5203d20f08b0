/** The first page: what needs somebody, what runs, what comes, what happened. And each of its lists as a whole. */
import type { Check } from '../../core/model/check.ts'
import type { Group } from '../../core/record/run-index.ts'
import { Checks, Field } from '../pages.tsx'
import { Layout, type Viewer } from './admin-layout.tsx'
import { asWritten, type Filter, type Listing, pathTo } from './board.ts'
import { RunList } from './run-list.tsx'

export const sectionTitles: Record<Group, string> = {
  question: 'Wait for an answer or a permission',
  'set-up': 'Held by a wrong set-up',
  working: 'What is running',
  waiting: 'What is coming',
  failed: 'Failed in the last three days',
  ended: 'What happened in the last seven days',
}

export interface Shown {
  viewer: Viewer
  now: number
  filter: Filter | undefined
}

interface BoardShown extends Shown {
  said?: string | undefined
  failedChecks: readonly Check[]
  listOf(group: Group): Listing
  drain: 'possible' | 'drained' | 'no work here'
}

export function BoardPage(board: BoardShown) {
  const { viewer, said, listOf, failedChecks, drain } = board
  const [working, waiting, ended] = [listOf('working'), listOf('waiting'), listOf('ended')]
  const needy = exceptions.map(group => listOf(group).count).reduce((sum, count) => sum + count)
  const isCalm = needy === 0 && failedChecks.length === 0
  return (
    <Layout title="Runs" viewer={viewer} said={said}>
      <Top title="Runs" {...board} />
      <nav class="row" aria-label="How many">
        <a href="#needs">{`${needy} ${needy === 1 ? 'needs' : 'need'} you`}</a>
        <a href="#working">{`${working.count} running`}</a>
        <a href="#waiting">{`${waiting.count} waiting`}</a>
        <a href="#ended">{`${ended.count} ended`}</a>
      </nav>
      <section class={isCalm ? '' : 'bad'} aria-labelledby="needs">
        <h2 id="needs">Does anything need you?</h2>
        {isCalm ? <p>No. Nothing failed, nothing waits for an answer, nothing is held.</p> : null}
        {failedChecks.length > 0 ? (
          <>
            <Checks lines={failedChecks} />
            <p>
              <a href="/admin/checks">See all checks</a>
            </p>
          </>
        ) : null}
        {exceptions.map(group => (
          <Exceptions group={group} {...board} />
        ))}
      </section>
      <Section group="working" listing={working} none="Nothing is running." {...board} />
      <Section group="waiting" listing={waiting} none="Nothing waits." {...board} />
      <Section group="ended" listing={ended} none="Nothing has ended." {...board} />
      {drain === 'no work here' ? null : <Drain isOver={drain === 'drained'} viewer={viewer} />}
    </Layout>
  )
}

/** What needs somebody. */
const exceptions = ['question', 'failed', 'set-up'] as const

function Exceptions({ group, listOf, ...shown }: BoardShown & { group: Group }) {
  const listing = listOf(group)
  if (listing.count === 0) return null
  return (
    <>
      <h3>
        {sectionTitles[group]} <span class="count">{listing.count}</span>
      </h3>
      <Listed group={group} listing={listing} {...shown} />
    </>
  )
}

interface SectionShown extends Shown {
  group: Group
  listing: Listing
}

const Section = ({ none, ...shown }: SectionShown & { none: string }) => (
  <section aria-labelledby={shown.group}>
    <h2 id={shown.group}>
      {sectionTitles[shown.group]} <span class="count">{shown.listing.count}</span>
    </h2>
    {shown.listing.count === 0 ? <p class="dim">{none}</p> : <Listed {...shown} />}
  </section>
)

const Listed = ({ group, listing: { runs, count, isLast }, viewer, now, filter }: SectionShown) => (
  <>
    <RunList runs={runs} viewer={viewer} now={now} />
    {isLast ? null : (
      <p>
        <a href={pathTo(`/admin/list/${group}`, { filter: asWritten(filter) })}>
          {group === 'failed' ? 'All, with those asked for again' : `All ${count}`}
        </a>
      </p>
    )}
  </>
)

const Drain = ({ isOver, viewer }: { isOver: boolean; viewer: Viewer }) => (
  <section aria-labelledby="process">
    <h2 id="process">This bot</h2>
    {isOver ? (
      <p>
        This process takes no more work, and its `/readyz` says so. Other processes go on. Start it again to
        have it work.
      </p>
    ) : (
      <details>
        <summary>Drain this process, before you stop or move it</summary>
        <p>
          It then takes no more work until it is started again. What it has in hand goes on to its next step,
          and nothing is lost: other processes take it from there, or this one when it is started again.
        </p>
        <form method="post" action="/admin/drain">
          {viewer.form()}
          <button type="submit" class="danger">
            Drain this process
          </button>
        </form>
      </details>
    )}
  </section>
)

export function ListPage({ group, listing, ...shown }: SectionShown) {
  const { page, isLast, count, runs } = listing
  const title = sectionTitles[group]
  const filter = asWritten(shown.filter)
  const to = (at: number): string => pathTo(`/admin/list/${group}`, { filter, page: at })
  return (
    <Layout title={title} viewer={shown.viewer}>
      <Top title={title} count={count} filter={shown.filter} />
      <section aria-label={title}>
        {count === 0 ? <p class="dim">There is none.</p> : <RunList runs={runs} {...shown} />}
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

interface TopProps extends Pick<Shown, 'filter'> {
  title: string
  count?: number
}

const Top = ({ title, count, filter }: TopProps) => (
  <>
    <h1>
      {title}
      {filter ? (
        <>
          {' '}
          of <bdi>{asWritten(filter)}</bdi>
        </>
      ) : null}{' '}
      {count === undefined ? null : <span class="count">{count}</span>}
    </h1>
    <form class="filter" method="get" action="/admin/">
      <Field id="filter" label="Owner, owner/repository, @person or #number" value={asWritten(filter)} />
      <button type="submit">Show</button>
      {filter ? (
        <a class="button" href="/admin/">
          Show all
        </a>
      ) : null}
    </form>
  </>
)

export const UnknownPage = ({ viewer, filter }: { viewer: Viewer; filter: Filter }) => (
  <Layout title="Nothing found" viewer={viewer}>
    <Top title="Nothing found" filter={filter} />
    <p>
      There is no {filter.kind === 'number' ? 'issue or pull request' : filter.kind} called{' '}
      <bdi>{filter.kind === 'number' ? asWritten(filter) : filter.name}</bdi> here. No run of the last 30 days
      matches.
    </p>
  </Layout>
)
