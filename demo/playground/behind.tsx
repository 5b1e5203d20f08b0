/** What stands beside the thread: the agent, time and the process to play with; the requests, the record and the calls to see. */
import type { Child } from 'hono/jsx'
import type { ThreadView } from '../../emulators/github/threads.ts'
import { redeliverEvery } from '../../src/maintenance/redeliver.ts'
import { ledgerOf, nameOfCall } from '../../test/world/calls.ts'
import { markersIn } from './shown.ts'
import { behaviours, type Stage } from './stage.ts'
import { Fold } from './thread-page.tsx'

const minute = 60_000

/** How far the clock can be moved at once. */
const moves: Readonly<Record<string, number>> = {
  '1 minute': minute,
  '10 minutes': 10 * minute,
  '1 hour': 60 * minute,
  '1 day': 24 * 60 * minute,
}

export const Behind = ({ thread, stage }: { thread: ThreadView; stage: Stage }) => (
  <aside aria-label="Behind the scenes" class="behind">
    <AgentBox number={thread.number} stage={stage} />
    <ProcessBox number={thread.number} stage={stage} />
    <Calls stage={stage} />
    <Requests number={thread.number} stage={stage} />
    <RecordBox thread={thread} />
    <Log stage={stage} />
  </aside>
)

const Box = ({ title, children }: { title: string; children: Child }) => (
  <section class="box">
    <h2>{title}</h2>
    {children}
  </section>
)

const AgentBox = ({ number, stage }: { number: number; stage: Stage }) => {
  const run = stage.runOf(number)
  const mayChange = run?.turnGoesOn === true
  return (
    <Box title="The pretended agent">
      <form method="post" action={`/threads/${number}/turns`} class="row">
        <label>
          With each turn it{' '}
          <select name="does" data-send>
            {Object.entries(behaviours).map(([name, { name: words }]) =>
              name === 'ends' ? null : (
                <option value={name} selected={name === stage.next}>
                  {words}
                </option>
              ),
            )}
          </select>
        </label>
        <button type="submit" data-needless>
          Change
        </button>
      </form>
      <p role="status" class="muted" id="agent-state">
        {stateOf(run)}
      </p>
      <form method="post" action={`/threads/${number}/agent`} class="buttons">
        <span class="muted">In this turn it now</span>
        {Object.entries(behaviours).map(([name, { name: words }]) => (
          <button type="submit" name="does" value={name} disabled={!mayChange}>
            {words}
          </button>
        ))}
      </form>
    </Box>
  )
}

function stateOf(run: ReturnType<Stage['runOf']>): string {
  if (!run) return 'It has no run for this thread yet.'
  if (run.turnGoesOn) return 'It is in the middle of its turn.'
  if (run.status !== 'queued' && run.status !== 'in_progress')
    return `Its run is over: ${run.status}.`
  return run.turns === 0
    ? 'It is starting.'
    : 'Its turn is over. It waits an hour for more, then its run ends.'
}

const ProcessBox = ({ number, stage }: { number: number; stage: Stage }) => {
  const { world } = stage
  const isDown = stage.process === 'stopped'
  return (
    <Box title="Time, and the bot’s process">
      <form method="post" action={`/threads/${number}/clock`} class="buttons">
        <span class="muted">
          It is <b id="clock">{new Date().toISOString().slice(0, 16).replace('T', ' ')}</b>. Move it
          by
        </span>
        {Object.entries(moves).map(([name, ms]) => (
          <button type="submit" name="ms" value={String(ms)}>
            {name}
          </button>
        ))}
      </form>
      <form method="post" action={`/threads/${number}/process`} class="buttons">
        <span role="status" class="muted" id="process-state">
          Process {world.bot.pid} {isDown ? 'is dead' : stage.process}.
        </span>
        <button
          type="submit"
          class="danger"
          name="what"
          value="kill"
          disabled={stage.process !== 'runs'}
        >
          Kill it
        </button>
        <button type="submit" name="what" value="start" disabled={!isDown}>
          Start it again
        </button>
      </form>
      {stage.wasKilled && stage.process !== 'stopped' ? (
        <p role="status" class="muted" id="missed">
          It asks GitHub for the webhooks that it missed a minute ago or more: at its start, and
          every {redeliverEvery / 1_000} seconds. Move the time, and it asks again.
        </p>
      ) : null}
    </Box>
  )
}

const time = (at: string | number): string => new Date(at).toISOString().slice(11, 19)

/** So many calls are listed at most. */
const maxListed = 150

const Calls = ({ stage }: { stage: Stage }) => {
  const { github, posthog } = stage.world
  const { before } = stage
  const toGitHub = github.calls.slice(before.github).map(call => ({
    at: Date.parse(call.at),
    to: 'GitHub',
    name: nameOfCall(call),
    status: call.status,
  }))
  const toPostHog = posthog.calls.slice(before.posthog).map(({ at, method, route, status }) => ({
    at,
    to: 'PostHog',
    name: `${method} ${route ?? '?'}`,
    status: status || 'cut off',
  }))
  const all = [...toGitHub, ...toPostHog].toSorted((a, b) => b.at - a.at)
  return (
    <Box title="Calls spent">
      <table>
        <thead>
          <tr>
            <th scope="col">Since your last action</th>
            <th scope="col">In all</th>
            <th scope="col">To</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td id="calls-github">{toGitHub.length}</td>
            <td>{github.calls.length}</td>
            <td>GitHub</td>
          </tr>
          <tr>
            <td id="calls-posthog">{toPostHog.length}</td>
            <td>{posthog.calls.length}</td>
            <td>PostHog</td>
          </tr>
        </tbody>
      </table>
      <Fold title="List them, newest first" id="calls" open>
        <Scroll label="Calls since your last action">
          {all
            .slice(0, maxListed)
            .map(call => `${time(call.at)}  ${call.to.padEnd(8)}${call.name}  ${call.status}`)
            .join('\n') || 'None yet.'}
        </Scroll>
      </Fold>
    </Box>
  )
}

/** What is long is read in a window of its own, also by keyboard. */
const Scroll = ({ label, children }: { label: string; children: Child }) => (
  <section class="scroll" aria-label={label} tabindex={0}>
    <pre>{children}</pre>
  </section>
)

const promptField = 'pending_user_message'

const Requests = ({ number, stage }: { number: number; stage: Stage }) => {
  const { tasks, runs, messages, cancels } = ledgerOf(stage.world, number)
  const all = [...tasks, ...runs, ...messages, ...cancels].toSorted((a, b) => b.at - a.at)
  return (
    <Box title="What PostHog is asked">
      {all.length === 0 ? <p class="muted">Nothing yet, for this thread.</p> : null}
      {all.map(({ kind, at, body }, index) => {
        const fields = Object.entries(body ?? {})
        const prompt = fields.find(([name]) => name === promptField)?.[1]
        const rest = fields.map(([name, value]) => [
          name,
          name === promptField ? '… below …' : value,
        ])
        return (
          <Fold
            title={`${time(at)} ${kind}`}
            id={`request-${all.length - index}`}
            open={kind === 'run'}
          >
            <Scroll label={`Request of a ${kind} at ${time(at)}`}>
              {JSON.stringify(Object.fromEntries(rest), null, 2)}
              {prompt === undefined ? '' : `\n\n${promptField}:\n\n${prompt}`}
            </Scroll>
          </Fold>
        )
      })}
    </Box>
  )
}

/** The queue has more, which only the bot's own process may read; this is what it takes a Run up from without its queue. */
const RecordBox = ({ thread }: { thread: ThreadView }) => {
  const record = thread.comments
    .flatMap(({ body }) => markersIn(body))
    .findLast(marker => marker.backup)
  return (
    <Box title="The record of the run">
      {record ? (
        <Fold title="As the status comment carries it, signed and out of sight" id="record" open>
          <Scroll label="Record of the run">{JSON.stringify(record, null, 2)}</Scroll>
        </Fold>
      ) : (
        <p class="muted">No run was started in this thread yet.</p>
      )}
    </Box>
  )
}

const maxLogLines = 60

const Log = ({ stage }: { stage: Stage }) => (
  <Box title="The bot’s log">
    <Fold title="Its last lines" id="log">
      <Scroll label="Log of the bot">
        {stage.world.bot.output().trimEnd().split('\n').slice(-maxLogLines).join('\n')}
      </Scroll>
    </Fold>
  </Box>
)
