/** The first page: what needs somebody, what runs, what comes, what happened. */
import type { Child } from 'hono/jsx'
import type { Check } from '../../core/model/check.ts'
import type { Run } from '../../core/record/run.ts'
import type { Group } from '../../core/record/run-index.ts'
import { counted } from '../../core/text/phrases.ts'
import { Heading, Layout, type Viewer } from './admin-layout.tsx'
import { type Listing, together } from './board.ts'
import { FilterForm } from './filter-form.tsx'
import { asWritten, type Filter } from './filters.ts'
import { dataOf, moreOf, sectionTitles } from './list-page.tsx'
import { RunList } from './run-list.tsx'
import { waitsFor } from './run-view.ts'

export interface BoardShown {
  viewer: Viewer
  now: number
  said?: string | undefined
  filter: Filter | undefined
  failedChecks: readonly Check[]
  questions: Listing
  failed: Listing
  setUp: Listing
  working: Listing
  waiting: Listing
  ended: Listing
  drain: 'possible' | 'drained' | 'no work here'
}

export function BoardPage(board: BoardShown) {
  const { viewer, now, filter, working, waiting, ended } = board
  const shared = { viewer, now, filter }
  return (
    <Layout title="Runs" viewer={viewer} said={board.said}>
      <Heading title="Runs" of={asWritten(filter)} />
      <FilterForm viewer={viewer} filter={filter} />
      <Counts {...board} />
      <Needs {...board} />
      <Section group="working" listing={working} none="Nothing is running." {...shared} />
      <Section group="waiting" listing={waiting} none="Nothing waits." {...shared} />
      <Section group="ended" listing={ended} none="Nothing has ended." {...shared} />
      <Bot {...board} />
    </Layout>
  )
}

const Counts = ({ questions, failed, setUp, working, waiting, ended }: BoardShown) => {
  const needing = [questions, failed, setUp].reduce((sum, { count }) => sum + count, 0)
  return (
    <nav class="row" aria-label="How many">
      <a href="#needs">{`${needing} ${needing === 1 ? 'needs' : 'need'} you`}</a>
      <a href="#working">{`${working.count} running`}</a>
      <a href="#waiting">{`${waiting.count} waiting`}</a>
      <a href="#ended">{`${ended.count} ended`}</a>
    </nav>
  )
}

function Needs(board: BoardShown) {
  const { viewer, now, filter, failedChecks, questions, failed, setUp } = board
  const isCalm =
    failedChecks.length === 0 && [questions.count, failed.count, setUp.count].every(count => count === 0)
  return (
    <section class={isCalm ? '' : 'bad'} aria-labelledby="needs">
      <h2 id="needs">Does anything need you?</h2>
      {isCalm ? <p>No. Nothing failed, nothing waits for an answer, nothing is held.</p> : null}
      {failedChecks.length > 0 ? (
        <ul class="rows">
          {failedChecks.map(({ name, detail, fix }) => (
            <li>
              <span class="state bad">Not right</span>
              <div class="what">
                <strong>{name}</strong>
                <span class="why">{detail}</span>
                <span class="meta">{fix}</span>
              </div>
              <a class="button" href="/admin/checks">
                See all checks
              </a>
            </li>
          ))}
        </ul>
      ) : null}
      <Exceptions group="question" listing={questions} filter={filter}>
        <RunList runs={dataOf(questions)} viewer={viewer} now={now} />
      </Exceptions>
      <Exceptions group="failed" listing={failed} filter={filter} more="All, with those asked for again">
        <RunList runs={dataOf(failed)} viewer={viewer} now={now} />
      </Exceptions>
      <Exceptions group="set-up" listing={setUp} filter={filter}>
        <HeldRows runs={dataOf(setUp)} now={now} />
      </Exceptions>
    </section>
  )
}

interface ExceptionsProps {
  group: Group
  listing: Listing
  filter: Filter | undefined
  /** What leads to all of them. */
  more?: string
  children?: Child
}

const Exceptions = ({ group, listing, filter, more, children }: ExceptionsProps) =>
  listing.count === 0 ? null : (
    <>
      <div class="row">
        <h3>
          {sectionTitles[group]} <span class="count">{listing.count}</span>
        </h3>
      </div>
      {children}
      {moreOf(group, listing, filter, more)}
    </>
  )

/** Those that wait for the same are one row. */
const HeldRows = ({ runs, now }: { runs: readonly Run[]; now: number }) => (
  <ul class="rows">
    {together(runs, run => waitsFor(run, now) ?? '').map(([, [first, ...others]]) =>
      first === undefined ? null : (
        <li>
          <span class="state bad">Held</span>
          <div class="what">
            <a href={`/admin/runs/${encodeURIComponent(first.id)}`}>{waitsFor(first, now)}</a>
            <span class="meta">{counted(others.length + 1, 'run')} shown here</span>
          </div>
          <a class="button" href="/admin/checks">
            See all checks
          </a>
        </li>
      ),
    )}
  </ul>
)

interface SectionProps {
  group: Group
  listing: Listing
  none: string
  viewer: Viewer
  now: number
  filter: Filter | undefined
}

const Section = ({ group, listing, none, viewer, now, filter }: SectionProps) => (
  <section aria-labelledby={group}>
    <h2 id={group}>
      {sectionTitles[group]} <span class="count">{listing.count}</span>
    </h2>
    {listing.count === 0 ? (
      <p class="dim">{none}</p>
    ) : (
      <RunList runs={dataOf(listing)} viewer={viewer} now={now} />
    )}
    {moreOf(group, listing, filter)}
  </section>
)

function Bot({ drain, viewer }: BoardShown) {
  if (drain === 'no work here') return null
  return (
    <section aria-labelledby="process">
      <h2 id="process">This bot</h2>
      {drain === 'drained' ? (
        <p>
          This process takes no more work, and its `/readyz` says so. Other processes go on. Start it again to
          have it work.
        </p>
      ) : null}
      {drain === 'possible' ? (
        <details>
          <summary>Drain this process, before you stop or move it</summary>
          <p>
            It then takes no more work until it is started again. What it has in hand goes on to its next
            step, and nothing is lost: other processes take it from there, or this one when it is started
            again.
          </p>
          <form method="post" action="/admin/drain">
            {viewer.form()}
            <button type="submit" class="danger">
              Drain this process
            </button>
          </form>
        </details>
      ) : null}
    </section>
  )
}
