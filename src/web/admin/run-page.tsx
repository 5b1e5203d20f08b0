import { type Check, markOf } from '../../core/model/check.ts'
import { fullName, threadName } from '../../core/model/thread.ts'
import type { Run } from '../../core/record/run.ts'
import { moment } from '../../core/text/phrases.ts'
import { Layout, type Viewer } from './admin-layout.tsx'
import { pathTo } from './filters.ts'
import { Action, Ago, Link, Requester, State } from './run-list.tsx'
import { mayRetry, mayStop, reasonOf, shown, timelineOf, waitsFor } from './run-view.ts'

interface RunShown {
  viewer: Viewer
  now: number
  said?: string | undefined
  run: Run
  /** PostHog's page of it. */
  posthogUrl: string | undefined
}

const toTheSecond = (at: number, now: number): string =>
  moment(at, now).replace(' UTC', `${new Date(at).toISOString().slice(16, 19)} UTC`)

export function RunPage(props: RunShown) {
  const { viewer, now, said, run } = props
  const title = shown(run.baseline.snapshot.title) || 'Without a title'
  return (
    <Layout title={title} viewer={viewer} said={said}>
      <h1>
        <bdi>{title}</bdi>
      </h1>
      <Facts {...props} />
      <section aria-labelledby="timeline">
        <h2 id="timeline">What happened</h2>
        <ol class="timeline">
          {timelineOf(run).map(({ at, words }) => (
            <li>
              <time datetime={new Date(at).toISOString()} class="dim">
                {toTheSecond(at, now)}
              </time>
              <bdi>{words}</bdi>
            </li>
          ))}
        </ol>
      </section>
      <Words run={run} />
      <Repository {...props} />
    </Layout>
  )
}

function Facts({ run, now, viewer, posthogUrl }: RunShown) {
  const { thread, request, workspace, session, result } = run
  const why = waitsFor(run, now)
  const reason = reasonOf(run)
  return (
    <section aria-label="This run">
      <dl>
        <dt>State</dt>
        <dd>
          <State run={run} />
        </dd>
        {why === undefined ? null : (
          <>
            <dt>Waits for</dt>
            <dd>
              <bdi>{why}</bdi>
            </dd>
          </>
        )}
        {reason === undefined ? null : (
          <>
            <dt>Why</dt>
            <dd>
              <bdi>{reason}</bdi>
            </dd>
          </>
        )}
        <dt>Thread</dt>
        <dd>
          <Link href={thread.url}>{threadName(thread)}</Link>
        </dd>
        <dt>Asked by</dt>
        <dd>
          <Requester run={run} />, <Ago at={request.at} now={now} />
        </dd>
        {result.pulls.map(pull => (
          <>
            <dt>Pull request</dt>
            <dd>
              <Link href={pull.url}>
                #{pull.number} <bdi>{shown(pull.title)}</bdi>
              </Link>{' '}
              ({pull.state === 'open' && pull.draft ? 'draft' : pull.state})
            </dd>
          </>
        ))}
        {workspace.branch ? (
          <>
            <dt>Branch</dt>
            <dd>
              <code>{shown(workspace.branch.name)}</code>
            </dd>
          </>
        ) : null}
        <dt>Cost</dt>
        <dd>{typeof session.cost === 'number' ? `$${session.cost.toFixed(2)}` : 'not known yet'}</dd>
        <dt>Model</dt>
        <dd>{shown(request.options.model)}</dd>
        {posthogUrl === undefined ? null : (
          <>
            <dt>PostHog</dt>
            <dd>
              <Link href={posthogUrl}>The run at PostHog</Link>
            </dd>
          </>
        )}
        <dt>Id</dt>
        <dd>
          <code>{run.id}</code>
        </dd>
      </dl>
      <div class="row">
        {mayStop(run) ? (
          <Action run={run} action="stop" viewer={viewer} tone="danger">
            Stop this run
          </Action>
        ) : null}
        {mayRetry(run) ? (
          <Action run={run} action="retry" viewer={viewer} tone="main">
            Retry
          </Action>
        ) : null}
      </div>
    </section>
  )
}

const maxShown = 20_000

/** Of people and of the agent: folded, and nothing else than text. */
function Words({ run: { request, mailbox } }: { run: Run }) {
  const said = [request, ...mailbox.wordsOfRound, ...mailbox.pendingFollowUps]
  const texts = said.filter(({ text }) => text !== '')
  if (texts.length === 0) return null
  return (
    <section aria-labelledby="words">
      <h2 id="words">Instructions</h2>
      {texts.map(({ by, text }) => (
        <details>
          <summary>
            By <bdi>{shown(by.login)}</bdi>, {text.length} characters
          </summary>
          <pre tabindex={0} dir="auto">
            {shown(text.slice(0, maxShown))}
          </pre>
        </details>
      ))}
    </section>
  )
}

function Repository({ run }: RunShown) {
  const name = fullName(run.thread)
  return (
    <p>
      <a href={pathTo('/admin/', { filter: name })}>All runs of {name}</a>
    </p>
  )
}

interface ChecksShown {
  viewer: Viewer
  checks: readonly Check[]
}

export function ChecksPage({ viewer, checks }: ChecksShown) {
  const wrong = checks.filter(({ ok }) => !ok)
  return (
    <Layout title="Checks" viewer={viewer}>
      <h1>
        {wrong.length === 0
          ? 'All checks are right'
          : `${wrong.length} of ${checks.length} checks are not right`}
      </h1>
      <section aria-label="Checks">
        <ul class="rows">
          {[...wrong, ...checks.filter(({ ok }) => ok)].map(({ name, ok, unsure, detail, fix }) => (
            <li>
              <span class={`state ${unsure ? '' : ok ? 'good' : 'bad'}`}>
                {markOf({ ok, unsure })} {unsure ? 'Not known' : ok ? 'Right' : 'Not right'}
              </span>
              <div class="what">
                <strong>{name}</strong>
                <span class="why">{detail}</span>
                {fix === '' ? null : <span class="meta">{fix}</span>}
              </div>
            </li>
          ))}
        </ul>
        <p class="dim">
          These are the checks of <code>npm run doctor</code>, made just now.
        </p>
      </section>
    </Layout>
  )
}
