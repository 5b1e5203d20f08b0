/** The first page: what needs somebody, what runs, what comes, what happened. */
import type { Child } from 'hono/jsx'
import type { Check } from '../../core/model/check.ts'
import { type Pause, pausedPart } from '../../core/model/pause.ts'
import { fullName } from '../../core/model/thread.ts'
import type { Run } from '../../core/record/run.ts'
import { type Group, whilePaused } from '../../core/record/run-index.ts'
import { counted } from '../../core/text/phrases.ts'
import { Heading, Layout, type Viewer } from './admin-layout.tsx'
import { type Listing, together } from './board.ts'
import { FilterForm } from './filter-form.tsx'
import { asWritten, type Filter, filterFor, pathTo } from './filters.ts'
import { dataOf, moreOf, sectionTitles } from './list-page.tsx'
import { PausedSince, PauseForm, ResumeForm } from './pause-form.tsx'
import { Action, RunList } from './run-list.tsx'
import { waitsFor } from './run-view.ts'

export interface BoardShown {
  viewer: Viewer
  now: number
  said?: string | undefined
  filter: Filter | undefined
  failedChecks: readonly Check[]
  /** Why the whole bot is paused, if it is. */
  paused: string | undefined
  questions: Listing
  failed: Listing
  setUp: Listing
  pausedRuns: Listing
  working: Listing
  waiting: Listing
  ended: Listing
  /** Of the repository that the filter names: the newest run, and its pause. */
  repository: { run: Run; pause: Pause | undefined } | undefined
  /** Of the whole bot, by an admin, if it holds. */
  botPause: Pause | undefined
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
      {viewer.refresh?.isOn ? null : <Pausing {...board} />}
      <Needs {...board} />
      <Section group="working" listing={working} none="Nothing is running." {...shared} />
      <Section group="waiting" listing={waiting} none="Nothing waits." {...shared} />
      <Section group="ended" listing={ended} none="Nothing has ended." {...shared} />
      <Bot {...board} />
    </Layout>
  )
}

const Counts = ({ questions, failed, setUp, pausedRuns, working, waiting, ended }: BoardShown) => {
  const needing = [questions, failed, setUp, pausedRuns].reduce((sum, { count }) => sum + count, 0)
  return (
    <nav class="row" aria-label="How many">
      <a href="#needs">{`${needing} ${needing === 1 ? 'needs' : 'need'} you`}</a>
      <a href="#working">{`${working.count} running`}</a>
      <a href="#waiting">{`${waiting.count} waiting`}</a>
      <a href="#ended">{`${ended.count} ended`}</a>
    </nav>
  )
}

/** Of what the page shows: the whole bot, or one repository. */
function Pausing({ filter, repository, viewer, now, botPause }: BoardShown) {
  if (repository) {
    const { run, pause } = repository
    const to = `/admin/runs/${encodeURIComponent(run.id)}`
    return (
      <PauseForm
        {...{ viewer, now, pause, name: fullName(run.thread), id: 'text' }}
        to={{ pause: `${to}/pause`, resume: `${to}/resume` }}
      />
    )
  }
  if (filter || botPause) return null
  return (
    <details>
      <summary>Pause the whole bot</summary>
      <p>
        Nothing new starts anywhere until it goes on. What is asked is kept and starts by itself. Runs at work
        go on.
      </p>
      <PauseForm viewer={viewer} now={now} pause={undefined} {...wholeBot} />
    </details>
  )
}

function Needs(board: BoardShown) {
  const { viewer, now, filter, failedChecks, paused, botPause, questions, failed, setUp, pausedRuns } = board
  const isCalm =
    failedChecks.length === 0 &&
    paused === undefined &&
    botPause === undefined &&
    [questions.count, failed.count, setUp.count, pausedRuns.count].every(count => count === 0)
  return (
    <section class={isCalm ? '' : 'bad'} aria-labelledby="needs">
      <h2 id="needs">Does anything need you?</h2>
      {isCalm ? <p>No. Nothing failed, nothing waits for an answer, nothing is held or paused.</p> : null}
      {failedChecks.length > 0 || paused !== undefined || botPause ? (
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
          {botPause ? (
            <li>
              <span class="state warn">Paused</span>
              <div class="what">
                <strong>The whole bot is paused</strong>
                <span class="why">
                  <PausedSince pause={botPause} now={now} />
                </span>
              </div>
              <ResumeForm viewer={viewer} {...wholeBot} />
            </li>
          ) : null}
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
      <Exceptions group="paused" listing={pausedRuns} filter={filter}>
        <PausedRows runs={dataOf(pausedRuns)} now={now} viewer={viewer} />
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

const PausedRows = ({ runs, now, viewer }: { runs: readonly Run[]; now: number; viewer: Viewer }) => (
  <ul class="rows">
    {together(runs, ({ thread, schedule: { waits } }) =>
      whilePaused(pausedPart(thread, waits?.kind === 'pause' ? waits.of : 'repository')),
    ).map(([, [first, ...others]]) => {
      if (first === undefined) return null
      const { thread, schedule } = first
      const of = schedule.waits?.kind === 'pause' ? schedule.waits.of : 'bot'
      const names = { repository: fullName(thread), owner: `all of ${thread.owner}`, bot: 'The whole bot' }
      const mayResume = of === 'repository' || of === 'owner'
      const filter = filterFor(first, of === 'owner' ? 'owner' : 'repository')
      return (
        <li>
          <span class="state warn">Paused</span>
          <div class="what">
            <a href={pathTo('/admin/', { filter })}>{names[of]}</a>
            <bdi class="why">{waitsFor(first, now)}</bdi>
            <span class="meta">{counted(others.length + 1, 'run')} shown here</span>
          </div>
          {mayResume ? (
            <Action
              run={first}
              action={of === 'owner' ? 'resume-owner' : 'resume'}
              viewer={viewer}
              tone="main"
            >
              Resume<span class="unseen"> {names[of]}</span>
            </Action>
          ) : null}
        </li>
      )
    })}
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

const wholeBot = {
  name: 'the whole bot',
  to: { pause: '/admin/pause', resume: '/admin/resume' },
  id: 'text',
}

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
