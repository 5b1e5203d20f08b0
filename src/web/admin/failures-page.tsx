/** What failed for one reason, to be tried again together; and what came of that. */
import { begun, counted } from '../../core/text/phrases.ts'
import { mostRetried, type RetriedRun, results } from './actions.ts'
import { Layout, type Viewer } from './admin-layout.tsx'
import type { Listed, Reason } from './board.ts'
import { asWritten, type Filter, pathTo } from './filters.ts'
import { RunList } from './run-list.tsx'
import { plain, shown } from './run-view.ts'

const inWords = ({ reason }: Reason): string => begun(plain(reason)) || 'Without a reason'
const anchorOf = ({ key }: Reason): string => `reason-${key}`

/** Those that are more than one. */
export function ReasonRows({ reasons, filter }: { reasons: readonly Reason[]; filter: Filter | undefined }) {
  if (reasons.length === 0) return null
  const path = pathTo('/admin/reasons', { filter: asWritten(filter) })
  return (
    <ul class="rows">
      {reasons.map(each => (
        <li>
          <span class="state bad">{counted(each.failed.length, 'run')}</span>
          <div class="what">
            <bdi class="why">{inWords(each)}</bdi>
            <span class="meta">Failed for one reason</span>
          </div>
          <a class="button" href={`${path}#${anchorOf(each)}`}>
            Retry all<span class="unseen"> that failed as {inWords(each)}</span>…
          </a>
        </li>
      ))}
    </ul>
  )
}

interface ReasonShown extends Reason {
  /** The first of them. */
  runs: readonly Listed[]
}

interface ReasonsShown {
  viewer: Viewer
  now: number
  filter: Filter | undefined
  reasons: readonly ReasonShown[]
}

export const ReasonsPage = ({ viewer, now, filter, reasons }: ReasonsShown) => (
  <Layout title="Failed, by reason" viewer={viewer}>
    <h1>
      Failed in the last three days, by reason
      {filter ? (
        <>
          , of <bdi>{asWritten(filter)}</bdi>
        </>
      ) : null}
    </h1>
    <p>
      {reasons.length === 0
        ? 'Nothing failed that was not asked for again.'
        : 'A retry asks again for the same person and under the same limits, as /codex retry does.'}
    </p>
    {reasons.map(each => (
      <section class="bad" aria-labelledby={anchorOf(each)}>
        <h2 id={anchorOf(each)}>
          <bdi>{inWords(each)}</bdi> <span class="count">{each.failed.length}</span>
        </h2>
        <RunList runs={each.runs.map(({ data }) => data)} viewer={viewer} now={now} />
        {each.failed.length > each.runs.length ? (
          <p class="dim">{`And ${each.failed.length - each.runs.length} more.`}</p>
        ) : null}
        <RetryAll viewer={viewer} reason={each} />
      </section>
    ))}
  </Layout>
)

/** With the runs that it shows, and no others that failed since. */
function RetryAll({ viewer, reason }: { viewer: Viewer; reason: Reason }) {
  const all = reason.failed.filter(({ again }) => again)
  const some = all.slice(0, mostRetried)
  if (some.length === 0) return <p class="dim">Trying again would not help.</p>
  const left = reason.failed.length - all.length
  return (
    <form method="post" action="/admin/retry">
      {viewer.form()}
      {some.map(({ id }) => (
        <input type="hidden" name="run" value={id} />
      ))}
      <div class="row">
        <button type="submit" class="main">
          {some.length < all.length ? `Retry ${some.length} of ${all.length}` : `Retry all ${all.length}`}
          <span class="unseen"> that failed as {inWords(reason)}</span>
        </button>
      </div>
      {left === 0 ? null : (
        <p class="dim">{`${left} of ${reason.failed.length} are left out: trying again would not help.`}</p>
      )}
    </form>
  )
}

export function RetriedPage({ viewer, retried }: { viewer: Viewer; retried: readonly RetriedRun[] }) {
  const done = retried.filter(({ result }) => result === 'retried')
  const others = retried.filter(({ result }) => result !== 'retried')
  return (
    <Layout
      title="Retried"
      viewer={viewer}
      said={`${counted(done.length, 'run')} of ${retried.length} asked for again.`}
    >
      <h1>Retried</h1>
      {done.length === 0 ? null : (
        <p>Each is asked for again, for the same person and under the same limits.</p>
      )}
      {others.length === 0 ? null : (
        <section class="bad" aria-labelledby="others">
          <h2 id="others">
            Not asked for again <span class="count">{others.length}</span>
          </h2>
          <ul class="rows">
            {others.map(({ id, run, result }) => (
              <li>
                <span class="state bad">Not done</span>
                <div class="what">
                  <a href={`/admin/runs/${encodeURIComponent(id)}`}>
                    <bdi>{run ? shown(run.baseline.snapshot.title) || 'Without a title' : id}</bdi>
                  </a>
                  <span class="why">{results[result]}</span>
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
      <p>
        <a href="/admin/">To the runs</a>
      </p>
    </Layout>
  )
}
