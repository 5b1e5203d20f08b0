/** A list of Runs, and what pages of them have in common. */
import { randomUUID } from 'node:crypto'
import type { Child } from 'hono/jsx'
import type { JobRecord } from '../../core/model/ports.ts'
import { fullName } from '../../core/model/thread.ts'
import type { Pull } from '../../core/model/views.ts'
import type { Run } from '../../core/record/run.ts'
import { phaseOf, situationOf } from '../../core/record/situation.ts'
import { exactly } from '../../core/text/phrases.ts'
import { questionUrl } from '../../core/words/while-working.ts'
import { Button, NewTab } from '../pages.tsx'
import { pathTo } from './board.ts'
import * as view from './run-view.ts'

/** What each page shows to who is in. */
export interface Shown {
  now: number
  /** What came of the last action. */
  said: string | undefined
}

export const RunList = ({ runs, now }: { runs: readonly JobRecord<Run>[]; now: number }) => (
  <ul class="rows">
    {runs.map(({ data }) => (
      <RunRow run={data} now={now} />
    ))}
  </ul>
)

function RunRow({ run, now }: { run: Run; now: number }) {
  const why = view.waitsFor(run, now) ?? view.reasonOf(run)
  return (
    <li>
      <State run={run} />
      <div class="what">
        <a href={runPath(run)}>
          <bdi>{view.titleOf(run)}</bdi>
        </a>
        {why === undefined ? null : <bdi class="why">{why}</bdi>}
        <div class="meta">
          <Meta run={run} now={now} />
        </div>
      </div>
      <MainAction run={run} />
    </li>
  )
}

export function State({ run }: { run: Run }) {
  const stands = situationOf(run)
  const [words, tone = ''] =
    view.states[stands.held?.kind === 'question' ? 'asks' : phaseOf(stands)]
  return <span class={`state ${tone}`}>{words}</span>
}

export const Requester = ({ run }: { run: Run }) => (
  <a href={pathTo('/admin/', { filter: `@${run.request.by.login}` })}>
    <bdi>{view.shown(run.request.by.login)}</bdi>
  </a>
)

function Meta({ run, now }: { run: Run; now: number }) {
  const { thread, result, session } = run
  const pull = result.pulls.at(-1)
  const parts: Child[] = [
    <Link href={thread.url}>
      {fullName(thread)}#{thread.number}
    </Link>,
    <Requester run={run} />,
    <Ago at={view.sinceOf(run)} now={now} />,
  ]
  if (pull)
    parts.push(
      <>
        <Link href={pull.url}>#{pull.number}</Link> {pullState(pull)}
      </>,
    )
  if (session.cost) parts.push(<>${session.cost.toFixed(2)}</>)
  // Beside each other, with a dot between.
  return <>{parts.flatMap((part, at) => (at === 0 ? [part] : [' · ', part]))}</>
}

export const pullState = ({ state, draft }: Pull): string =>
  state === 'open' && draft ? 'draft' : state

export const Link = ({ href, children }: { href: string; children?: Child }) => {
  const address = view.webAddress(href)
  return address === undefined ? (
    <span>{children}</span>
  ) : (
    <NewTab href={address}>{children}</NewTab>
  )
}

export const Ago = ({ at, now }: { at: number; now: number }) => {
  const whole = new Date(at).toISOString()
  return (
    <time datetime={whole} title={whole}>
      {inWords(now - at)}
    </time>
  )
}

/** No more than people want to know: `3 min ago`, `2 days ago`. */
function inWords(ms: number) {
  const minutes = Math.floor(Math.max(0, ms) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${exactly(minutes * 60_000)} ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`
}

export const runPath = ({ id }: Pick<Run, 'id'>): string => `/admin/runs/${encodeURIComponent(id)}`

interface ActionProps {
  to: string
  tone?: 'main' | 'danger' | 'plain'
  children?: Child
}

/** A button that does something, once: each form has an id, so that what is sent twice can be known. */
export const Action = ({ to, tone, children }: ActionProps) => (
  <form method="post" action={to}>
    <input type="hidden" name="form" value={randomUUID()} />
    <Button tone={tone}>{children}</Button>
  </form>
)

function MainAction({ run }: { run: Run }) {
  const name = <span class="unseen"> {view.shown(run.baseline.snapshot.title)}</span>
  const question = view.webAddress(questionUrl(run) ?? '')
  if (question !== undefined)
    return (
      <NewTab class="button" href={question}>
        Answer{name}
      </NewTab>
    )
  if (view.canBeStopped(run))
    return (
      <Action to={`${runPath(run)}/stop`} tone="danger">
        Stop{name}
      </Action>
    )
  // What somebody stopped is retried on its own page.
  if (view.canBeRetried(run) && run.result.outcome?.kind !== 'stopped')
    return <Action to={`${runPath(run)}/retry`}>Retry{name}</Action>
  return null
}
