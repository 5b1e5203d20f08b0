/** The first page: what needs somebody, what runs, what comes, what happened. */
import type { Child } from 'hono/jsx'
import type { Check } from '../../core/model/check.ts'
import { fullName } from '../../core/model/thread.ts'
import type { Run } from '../../core/record/run.ts'
import type { Group, Whose } from '../../core/record/run-index.ts'
import { counted } from '../../core/text/phrases.ts'
import { Layout, type Viewer } from './admin-layout.tsx'
import type { Listing, OutcomesOfDay } from './board.ts'
import { asWritten, filterFor, pathTo } from './filters.ts'
import { OutcomeChart } from './outcome-chart.tsx'
import { Action, RunList } from './run-list.tsx'
import { waitsFor } from './run-view.ts'

export interface BoardShown {
  viewer: Viewer
  now: number
  said?: string | undefined
  whose: Whose | undefined
  failedChecks: readonly Check[]
  /** Why the whole bot is paused, if it is. */
  paused: string | undefined
  questions: Listing
  /** Without those that somebody has asked for again. */
  failed: readonly Run[]
  setUp: Listing
  pausedRuns: Listing
  working: Listing
  waiting: Listing
  ended: Listing
  days: readonly OutcomesOfDay[]
  drain: 'possible' | 'drained' | 'no work here'
}

export const sectionTitles: Record<Group, string> = {
  question: 'Wait for an answer or a permission',
  'set-up': 'Held by a wrong set-up',
  paused: 'Wait for the end of a pause',
  working: 'What is running',
  waiting: 'What is coming',
  failed: 'Failed in the last three days',
  ended: 'What happened in the last seven days',
}

const dataOf = ({ runs }: Listing): Run[] => runs.map(({ data }) => data)

export function BoardPage(board: BoardShown) {
  const { viewer, now, whose, working, waiting, ended } = board
  const shared = { viewer, now, whose }
  return (
    <Layout title="Runs" viewer={viewer} said={board.said}>
      <h1>
        Runs
        {whose ? (
          <>
            {' '}
            of <bdi>{asWritten(whose)}</bdi>
          </>
        ) : null}
      </h1>
      <Filter whose={whose} />
      <Needs {...board} />
      <Section group="working" listing={working} none="Nothing is running." {...shared} />
      <Section group="waiting" listing={waiting} none="Nothing waits." {...shared} />
      <Section group="ended" listing={ended} none="Nothing has ended." {...shared}>
        {whose || ended.count === 0 ? null : <OutcomeChart days={board.days} />}
      </Section>
      <Drain {...board} />
    </Layout>
  )
}

const Filter = ({ whose }: { whose: Whose | undefined }) => (
  <form class="filter" method="get" action="/admin/">
    <div>
      <label for="filter">Owner, owner/repository or @person</label>
      <input id="filter" name="filter" value={asWritten(whose)} autocapitalize="off" spellcheck={false} />
    </div>
    <button type="submit">Show</button>
    {whose ? (
      <a class="button" href="/admin/">
        Show all
      </a>
    ) : null}
  </form>
)

function Needs(board: BoardShown) {
  const { viewer, now, whose, failedChecks, paused, questions, failed, setUp, pausedRuns } = board
  const isCalm =
    failedChecks.length === 0 &&
    paused === undefined &&
    [questions.count, failed.length, setUp.count, pausedRuns.count].every(count => count === 0)
  return (
    <section class={isCalm ? '' : 'bad'} aria-labelledby="needs">
      <h2 id="needs">Does anything need you?</h2>
      {isCalm ? <p>No. Nothing failed, nothing waits for an answer, nothing is held or paused.</p> : null}
      {failedChecks.length > 0 || paused !== undefined ? (
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
          {paused === undefined ? null : (
            <li>
              <span class="state warn">Paused</span>
              <div class="what">
                <strong>The whole bot is paused</strong>
                <span class="why">{paused}</span>
                <span class="meta">`pause` in SETTINGS_FILE ends this.</span>
              </div>
            </li>
          )}
        </ul>
      ) : null}
      <Exceptions
        title={sectionTitles.question}
        count={questions.count}
        more={moreOf('question', questions, whose)}
      >
        <RunList runs={dataOf(questions)} viewer={viewer} now={now} />
      </Exceptions>
      <Exceptions title={sectionTitles.failed} count={failed.length}>
        <RunList runs={failed} viewer={viewer} now={now} />
      </Exceptions>
      <Exceptions title={sectionTitles['set-up']} count={setUp.count} more={moreOf('set-up', setUp, whose)}>
        <HeldRows runs={dataOf(setUp)} now={now} />
      </Exceptions>
      <Exceptions
        title={sectionTitles.paused}
        count={pausedRuns.count}
        more={moreOf('paused', pausedRuns, whose)}
      >
        <PausedRows runs={dataOf(pausedRuns)} now={now} viewer={viewer} />
      </Exceptions>
    </section>
  )
}

interface ExceptionsProps {
  title: string
  count: number
  more?: Child
  children?: Child
}

const Exceptions = ({ title, count, more, children }: ExceptionsProps) =>
  count === 0 ? null : (
    <>
      <div class="row">
        <h3>
          {title} <span class="count">{count}</span>
        </h3>
      </div>
      {children}
      {more}
    </>
  )

/** Those that wait for the same, as one row. */
function together(runs: readonly Run[], keyOf: (run: Run) => string): Run[][] {
  const found = new Map<string, Run[]>()
  for (const run of runs) found.set(keyOf(run), [...(found.get(keyOf(run)) ?? []), run])
  return [...found.values()]
}

const HeldRows = ({ runs, now }: { runs: readonly Run[]; now: number }) => (
  <ul class="rows">
    {together(runs, run => waitsFor(run, now) ?? '').map(([first, ...others]) =>
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

const PausedRows = ({ runs, now, viewer }: { runs: readonly Run[]; now: number; viewer: Viewer }) => (
  <ul class="rows">
    {together(runs, ({ thread }) => String(thread.repoId)).map(([first, ...others]) =>
      first === undefined ? null : (
        <li>
          <span class="state warn">Paused</span>
          <div class="what">
            <a href={pathTo('/admin/', { filter: filterFor(first, 'repository') })}>
              {fullName(first.thread)}
            </a>
            <bdi class="why">{waitsFor(first, now)}</bdi>
            <span class="meta">{counted(others.length + 1, 'run')} shown here</span>
          </div>
          {first.schedule.waits?.kind === 'pause' && first.schedule.waits.of === 'repository' ? (
            <Action run={first} action="resume" viewer={viewer} tone="main">
              Resume<span class="unseen"> {fullName(first.thread)}</span>
            </Action>
          ) : null}
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
  whose: Whose | undefined
  children?: Child
}

const Section = ({ group, listing, none, viewer, now, whose, children }: SectionProps) => (
  <section aria-labelledby={group}>
    <h2 id={group}>
      {sectionTitles[group]} <span class="count">{listing.count}</span>
    </h2>
    {children}
    {listing.count === 0 ? (
      <p class="dim">{none}</p>
    ) : (
      <RunList runs={dataOf(listing)} viewer={viewer} now={now} />
    )}
    {moreOf(group, listing, whose)}
  </section>
)

const moreOf = (group: Group, { isLast, count }: Listing, whose: Whose | undefined): Child =>
  isLast ? null : (
    <p>
      <a href={pathTo(`/admin/list/${group}`, { filter: asWritten(whose) })}>All {count}</a>
    </p>
  )

function Drain({ drain, viewer }: Pick<BoardShown, 'drain' | 'viewer'>) {
  if (drain === 'no work here') return null
  return (
    <section aria-labelledby="process">
      <h2 id="process">This process</h2>
      {drain === 'drained' ? (
        <p>
          It takes no more work, and its `/readyz` says so. Other processes go on. Start it again to have it
          work.
        </p>
      ) : (
        <details>
          <summary>Drain it, before you stop or move it</summary>
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
      )}
    </section>
  )
}

export interface ListShown {
  viewer: Viewer
  now: number
  group: Group
  whose: Whose | undefined
  listing: Listing
}

export function ListPage({ viewer, now, group, whose, listing }: ListShown) {
  const { page, isLast, count } = listing
  const to = (at: number): string => pathTo(`/admin/list/${group}`, { filter: asWritten(whose), page: at })
  return (
    <Layout title={sectionTitles[group]} viewer={viewer}>
      <h1>
        {sectionTitles[group]}
        {whose ? (
          <>
            , of <bdi>{asWritten(whose)}</bdi>
          </>
        ) : null}{' '}
        <span class="count">{count}</span>
      </h1>
      <section aria-label={sectionTitles[group]}>
        <RunList runs={dataOf(listing)} viewer={viewer} now={now} />
        <nav class="row" aria-label="More">
          {page > 1 ? <a href={to(page - 1)}>Back</a> : null}
          {isLast ? null : <a href={to(page + 1)}>Next</a>}
        </nav>
      </section>
    </Layout>
  )
}
