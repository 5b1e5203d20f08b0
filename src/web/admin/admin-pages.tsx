/** The admin pages: what needs somebody, what runs, what comes and what happened; one Run; the checks; and who comes. */
import type { Child } from 'hono/jsx'
import { type Check, sumOf } from '../../core/model/check.ts'
import { fullName, threadName } from '../../core/model/thread.ts'
import { pending, wordsOfRound } from '../../core/record/ledger.ts'
import type { Run } from '../../core/record/run.ts'
import type { Group } from '../../core/record/run-index.ts'
import {
  Button,
  Checks,
  Document,
  type DocumentProps,
  Field,
  MessagePage,
  Said,
} from '../pages.tsx'
import { asWritten, type Filter, type Listing, pathTo } from './board.ts'
import {
  Action,
  Ago,
  Link,
  pullState,
  Requester,
  RunList,
  runPath,
  type Shown,
  State,
} from './run-list.tsx'
import { canBeRetried, canBeStopped, reasonOf, shown, titleOf, waitsFor } from './run-view.ts'

const Layout = ({ title, said, children }: Shown & DocumentProps) => (
  <Document title={title}>
    <header>
      <nav aria-label="Pages">
        <strong>codex-task-bot</strong>
        <a href="/admin/">Runs</a>
        <a href="/admin/checks">Checks</a>
        <Action to="/admin/sign-out" tone="plain">
          Sign out
        </Action>
      </nav>
    </header>
    <main>
      <Said text={said} />
      {children}
    </main>
  </Document>
)

export const SignInPage = ({ wrong }: { wrong: string | undefined }) => (
  <MessagePage title="Sign in">
    <Said text={wrong} isWrong />
    <section>
      <form method="post" action="/admin/sign-in">
        <Field
          id="token"
          label="The ADMIN_TOKEN of this bot"
          type="password"
          autocomplete="current-password"
          required
        />
        <div class="row">
          <Button tone="main">Sign in</Button>
        </div>
      </form>
    </section>
  </MessagePage>
)

export const Notice = ({ title, text }: { title: string; text: string }) => (
  <MessagePage title={title} text={text}>
    <a href="/admin/">To the runs</a>
  </MessagePage>
)

export const sectionTitles: Record<Group, string> = {
  question: 'Wait for an answer or a permission',
  'set-up': 'Held by a wrong set-up',
  working: 'What is running',
  waiting: 'What is coming',
  failed: 'Failed in the last three days',
  ended: 'What happened in the last seven days',
}

interface Filtered extends Shown {
  filter: Filter | undefined
}

interface BoardShown extends Filtered {
  failedChecks: readonly Check[]
  listOf(group: Group): Listing
}

/** The lists that are always there. */
const usual = [
  { group: 'working', called: 'running', none: 'Nothing is running.' },
  { group: 'waiting', called: 'waiting', none: 'Nothing waits.' },
  { group: 'ended', called: 'ended', none: 'Nothing has ended.' },
] as const

export function BoardPage({ listOf, failedChecks, ...page }: BoardShown) {
  const needy = exceptions.reduce((sum, group) => sum + listOf(group).count, 0)
  const isCalm = needy === 0 && failedChecks.length === 0
  return (
    <Layout {...page} title="Runs">
      <Top title="Runs" filter={page.filter} />
      <nav class="row" aria-label="How many">
        <a href="#needs">{`${needy} ${needy === 1 ? 'needs' : 'need'} you`}</a>
        {usual.map(({ group, called }) => (
          <a href={`#${group}`}>{`${listOf(group).count} ${called}`}</a>
        ))}
      </nav>
      <section class={isCalm ? '' : 'bad'} aria-labelledby="needs">
        <h2 id="needs">Does anything need you?</h2>
        {isCalm ? (
          <p>No. Nothing failed, nothing waits for an answer, no set-up is wrong.</p>
        ) : null}
        {failedChecks.length > 0 ? <Checks lines={failedChecks} /> : null}
        {exceptions
          .filter(group => listOf(group).count > 0)
          .map(group => (
            <>
              <h3>
                <Heading group={group} listing={listOf(group)} />
              </h3>
              <RunTable {...page} group={group} listing={listOf(group)} />
            </>
          ))}
      </section>
      {usual.map(({ group, none }) => (
        <section aria-labelledby={group}>
          <h2 id={group}>
            <Heading group={group} listing={listOf(group)} />
          </h2>
          <RunTable {...page} group={group} listing={listOf(group)} none={none} />
        </section>
      ))}
    </Layout>
  )
}

/** What needs somebody. */
const exceptions = ['question', 'failed', 'set-up'] as const

interface ListShown extends Filtered {
  group: Group
  listing: Listing
  none?: string
}

const Heading = ({ group, listing }: Pick<ListShown, 'group' | 'listing'>) => (
  <>
    {sectionTitles[group]} <span class="count">{listing.count}</span>
  </>
)

const RunTable = ({ group, listing: { runs, count, isLast }, none, filter, now }: ListShown) => (
  <>
    {count === 0 ? <p class="dim">{none}</p> : <RunList now={now} runs={runs} />}
    {isLast ? null : (
      <p>
        <a href={pathTo(`/admin/list/${group}`, { filter: asWritten(filter) })}>
          {group === 'failed' ? 'All, with those asked for again' : `All ${count}`}
        </a>
      </p>
    )}
  </>
)

export function ListPage({ group, listing, ...page }: ListShown) {
  const { page: at, isLast, count, runs } = listing
  const title = sectionTitles[group]
  const filter = asWritten(page.filter)
  const to = (other: number) => pathTo(`/admin/list/${group}`, { filter, page: other })
  return (
    <Layout {...page} title={title}>
      <Top title={title} count={count} filter={page.filter} />
      <section aria-label={title}>
        {count === 0 ? <p class="dim">There is none.</p> : <RunList now={page.now} runs={runs} />}
        {at > 1 || !isLast ? (
          <nav class="row" aria-label="More">
            {at > 1 ? <a href={to(at - 1)}>Back</a> : null}
            {isLast ? null : <a href={to(at + 1)}>Next</a>}
          </nav>
        ) : null}
      </section>
    </Layout>
  )
}

const Top = ({
  title,
  count,
  filter,
}: {
  title: string
  count?: number
  filter: Filter | undefined
}) => (
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
      <Field
        id="filter"
        label="Owner, owner/repository, @person or #number"
        value={asWritten(filter)}
      />
      <Button>Show</Button>
      {filter ? (
        <a class="button" href="/admin/">
          Show all
        </a>
      ) : null}
    </form>
  </>
)

export const UnknownPage = ({ filter, ...page }: Shown & { filter: Filter }) => (
  <Layout {...page} title="Nothing found">
    <Top title="Nothing found" filter={filter} />
    <p>
      No run of the last 30 days matches <bdi>{asWritten(filter)}</bdi>.
    </p>
  </Layout>
)

interface RunShown extends Shown {
  run: Run
  /** PostHog's page of it. */
  posthogUrl: string | undefined
}

export function RunPage(page: RunShown) {
  const { run } = page
  const title = titleOf(run)
  const name = fullName(run.thread)
  return (
    <Layout {...page} title={title}>
      <h1>
        <bdi>{title}</bdi>
      </h1>
      <RunFacts {...page} />
      <InstructionText run={run} />
      <p>
        <a href={pathTo('/admin/', { filter: name })}>All runs of {name}</a>
      </p>
    </Layout>
  )
}

function RunFacts({ run, now, posthogUrl }: RunShown) {
  const { thread, request, workspace, session, result } = run
  const words = (text: string | undefined): Child =>
    text === undefined ? undefined : <bdi>{text}</bdi>
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
        ({pullState(pull)})
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
          <Action to={`${runPath(run)}/stop`} tone="danger">
            Stop this run
          </Action>
        ) : null}
        {canBeRetried(run) ? (
          <Action to={`${runPath(run)}/retry`} tone="main">
            Retry
          </Action>
        ) : null}
      </div>
    </section>
  )
}

const maxShownWords = 20_000

/** The words of people and of the agent are folded, and nothing else than text. */
function InstructionText({ run }: { run: Run }) {
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
            {shown(text.slice(0, maxShownWords))}
          </pre>
        </details>
      ))}
    </section>
  )
}

export const ChecksPage = ({ checks, ...page }: Shown & { checks: readonly Check[] }) => (
  <Layout {...page} title="Checks">
    <h1>{sumOf(checks)}</h1>
    <section aria-label="Checks">
      <Checks lines={checks} />
      <p class="dim">
        These are the checks of <code>codex-task-bot doctor</code>, made just now.
      </p>
    </section>
  </Layout>
)
