/** The page of one Run, and that of the checks. */
import type { Child } from 'hono/jsx'
import type { Check } from '../../core/model/check.ts'
import { fullName, threadName } from '../../core/model/thread.ts'
import { pending, wordsOfRound } from '../../core/record/ledger.ts'
import type { Run } from '../../core/record/run.ts'
import { moment } from '../../core/text/phrases.ts'
import { Checks } from '../pages.tsx'
import { Layout, type Viewer } from './admin-layout.tsx'
import { pathTo } from './board.ts'
import { Action, Ago, Link, Requester, State } from './run-list.tsx'
import { canBeRetried, canBeStopped, reasonOf, shown, timelineOf, waitsFor } from './run-view.ts'

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
  const name = fullName(run.thread)
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
      <p>
        <a href={pathTo('/admin/', { filter: name })}>All runs of {name}</a>
      </p>
    </Layout>
  )
}

function Facts({ run, now, viewer, posthogUrl }: RunShown) {
  const { thread, request, workspace, session, result } = run
  const words = (text: string | undefined): Child => (text === undefined ? undefined : <bdi>{text}</bdi>)
  const facts: [string, Child][] = [
    ['State', <State run={run} />],
    ['Waits for', words(waitsFor(run, now))],
    ['Why', words(reasonOf(run))],
    ['Thread', <Link href={thread.url}>{threadName(thread)}</Link>],
    [
      'Asked by',
      <>
        <Requester run={run} />, <Ago at={request.at} now={now} />
      </>,
    ],
    ...result.pulls.map((pull): [string, Child] => [
      'Pull request',
      <>
        <Link href={pull.url}>
          #{pull.number} {words(shown(pull.title))}
        </Link>{' '}
        ({pull.state === 'open' && pull.draft ? 'draft' : pull.state})
      </>,
    ]),
    ['Branch', workspace.branch && <code>{shown(workspace.branch.name)}</code>],
    ['Cost', typeof session.cost === 'number' ? `$${session.cost.toFixed(2)}` : 'not known yet'],
    ['Model', shown(request.options.model)],
    ['PostHog', posthogUrl && <Link href={posthogUrl}>The run at PostHog</Link>],
    ['Id', <code>{run.id}</code>],
  ]
  return (
    <section aria-label="This run">
      <dl>
        {facts.map(([name, fact]) =>
          fact === undefined ? null : (
            <>
              <dt>{name}</dt>
              <dd>{fact}</dd>
            </>
          ),
        )}
      </dl>
      <div class="row">
        {canBeStopped(run) ? (
          <Action run={run} action="stop" viewer={viewer} tone="danger">
            Stop this run
          </Action>
        ) : null}
        {canBeRetried(run) ? (
          <Action run={run} action="retry" viewer={viewer} tone="main">
            Retry
          </Action>
        ) : null}
      </div>
    </section>
  )
}

const maxShown = 20_000

/** The words of people and of the agent are folded, and nothing else than text. */
function Words({ run }: { run: Run }) {
  const said = [run.request, ...new Set([...wordsOfRound(run), ...pending(run)])]
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
        <Checks lines={[...wrong, ...checks.filter(({ ok }) => ok)]} />
        <p class="dim">
          These are the checks of <code>npm run doctor</code>, made just now.
        </p>
      </section>
    </Layout>
  )
}
