/** A list of Runs, and what pages of them have in common. */
import type { Child } from 'hono/jsx'
import type { JobRecord } from '../../core/model/ports.ts'
import { fullName } from '../../core/model/thread.ts'
import type { Run } from '../../core/record/run.ts'
import { type Phase, phaseOf, situationOf } from '../../core/record/situation.ts'
import { exactly } from '../../core/text/phrases.ts'
import { questionUrl } from '../../core/words/while-working.ts'
import type { Viewer } from './admin-layout.tsx'
import { pathTo } from './board.ts'
import {
  canBeRetried,
  canBeStopped,
  reasonOf,
  shown,
  sinceOf,
  stateWords,
  waitsFor,
  webAddress,
} from './run-view.ts'

interface Shown {
  viewer: Viewer
  now: number
}

export const RunList = ({ runs, ...shared }: Shown & { runs: readonly JobRecord<Run>[] }) => (
  <ul class="rows">
    {runs.map(({ data }) => (
      <RunRow run={data} {...shared} />
    ))}
  </ul>
)

function RunRow({ run, viewer, now }: Shown & { run: Run }) {
  const why = waitsFor(run, now) ?? reasonOf(run)
  return (
    <li>
      <State run={run} />
      <div class="what">
        <a href={`/admin/runs/${encodeURIComponent(run.id)}`}>
          <bdi>{shown(run.baseline.snapshot.title) || 'Without a title'}</bdi>
        </a>
        {why === undefined ? null : <bdi class="why">{why}</bdi>}
        <div class="meta">
          <Meta run={run} now={now} />
        </div>
      </div>
      <MainAction run={run} viewer={viewer} />
    </li>
  )
}

const tones: Partial<Record<Phase, string>> = {
  failed: 'bad',
  unfinished: 'bad',
  pull: 'good',
  pushed: 'good',
  answer: 'good',
  working: 'good',
}

export function State({ run }: { run: Run }) {
  const stands = situationOf(run)
  const phase = phaseOf(stands)
  if (stands.held?.kind === 'question') return <span class="state warn">Asks</span>
  return <span class={`state ${tones[phase] ?? ''}`}>{stateWords[phase]}</span>
}

export const Requester = ({ run }: { run: Run }) => (
  <a href={pathTo('/admin/', { filter: `@${run.request.by.login}` })}>
    <bdi>{shown(run.request.by.login)}</bdi>
  </a>
)

function Meta({ run, now }: Pick<Shown, 'now'> & { run: Run }) {
  const { thread, result, session } = run
  const pull = result.pulls.at(-1)
  const parts: Child[] = [
    <Link href={thread.url}>
      {fullName(thread)}#{thread.number}
    </Link>,
    <Requester run={run} />,
    <Ago at={sinceOf(run)} now={now} />,
  ]
  if (pull)
    parts.push(
      <>
        <Link href={pull.url}>#{pull.number}</Link>{' '}
        {pull.state === 'open' && pull.draft ? 'draft' : pull.state}
      </>,
    )
  if (session.cost) parts.push(<>${session.cost.toFixed(2)}</>)
  // Beside each other, with a dot between.
  return <>{parts.flatMap((part, at) => (at === 0 ? [part] : [' · ', part]))}</>
}

export const Link = ({ href, children }: { href: string; children?: Child }) => {
  const address = webAddress(href)
  return address === undefined ? (
    <span>{children}</span>
  ) : (
    <a href={address} target="_blank" rel="noreferrer">
      {children}
    </a>
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
function inWords(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${exactly(minutes * 60_000)} ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`
}

interface ActionProps {
  run: Pick<Run, 'id'>
  action: 'stop' | 'retry'
  viewer: Viewer
  tone?: 'main' | 'danger'
  children?: Child
}

export const Action = ({ run, action, viewer, tone, children }: ActionProps) => (
  <form method="post" action={`/admin/runs/${encodeURIComponent(run.id)}/${action}`}>
    {viewer.form()}
    <button type="submit" class={tone ?? ''}>
      {children}
    </button>
  </form>
)

function MainAction({ run, viewer }: { run: Run; viewer: Viewer }) {
  const name = <span class="unseen"> {shown(run.baseline.snapshot.title)}</span>
  const question = webAddress(questionUrl(run) ?? '')
  if (question !== undefined)
    return (
      <a class="button" href={question} target="_blank" rel="noreferrer">
        Answer{name}
      </a>
    )
  if (canBeStopped(run))
    return (
      <Action run={run} action="stop" viewer={viewer} tone="danger">
        Stop{name}
      </Action>
    )
  // What somebody stopped is retried on its own page.
  if (canBeRetried(run) && run.result.outcome?.kind !== 'stopped')
    return (
      <Action run={run} action="retry" viewer={viewer}>
        Retry{name}
      </Action>
    )
  return null
}
