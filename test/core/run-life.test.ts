/**
 * A Run's whole life against a small world in memory: whatever comes in between – notes, lost answers,
 * limits, refusals, crashes – it ends, does nothing twice, never goes back, and loses no word.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ComeBack, Refused, Unanswered } from '../../src/core/faults.ts'
import { markerSigner } from '../../src/core/marker.ts'
import type { LogEntry, Sight } from '../../src/core/observe.ts'
import { type Note, Run } from '../../src/core/run.ts'
import type { PullView } from '../../src/core/seen.ts'
import { advanceRun } from '../../src/flow/advance-run.ts'
import type { Held, TasksClient, ThreadClient } from '../../src/flow/edges.ts'
import type { RunDeps } from '../../src/flow/run-steps/hand.ts'
import { deployment, hour, maya, minute, more, runWith, second, t0, zoe } from './given.ts'

/** What happens to a call: its effect may or may not have happened when it fails. */
type Luck = 'well' | 'lost before' | 'lost after' | 'limit' | 'crash before' | 'crash after'

type Turn = 'answers' | 'opens' | 'opens, then goes on' | 'pushes' | 'is silent' | 'fails' | 'completes'

interface Script {
  /** The session of an earlier Run, which this one goes on with. */
  earlier?: 'listens' | 'over' | 'gone' | undefined
  /** One for each call to a service, in order; then all goes well. */
  luck: readonly Luck[]
  /** Said when the so-many-th call is made. */
  said: readonly { at: number; note: Note }[]
  /** What the agent does in each of its turns. */
  turns: readonly Turn[]
}

class Crash extends Error {}

interface AgentRun {
  id: string
  status: Sight['status']
  error: string | undefined
  log: LogEntry[]
  pulls: string[]
  said: Map<string, string>
  due: number
  /** Looks until the turn under way is over. */
  busy: number
  cancelled: boolean
}

class World {
  now = t0
  calls = 0
  turn = 0
  main = 'a'.repeat(40)
  readonly script: Script
  readonly inbox: string[] = []
  readonly accepted: string[] = []
  readonly saves: Run[] = []
  readonly comments: { id: number; body: string; createdAt: number }[] = []
  readonly branches = new Map([['main', this.main]])
  readonly pulls: PullView[] = []
  readonly tasks: { id: string; description: string; runs: AgentRun[] }[] = []
  /** What was handed to the agent, as `task`, `run <prompt>` or `say <id>`. */
  readonly effects: string[] = []
  readonly signer = markerSigner('secret')

  constructor(script: Script) {
    this.script = script
  }

  /** Does something at a service, with the luck of this call. */
  async at<T>(service: 'github' | 'posthog', effect: () => T): Promise<T> {
    const luck = this.script.luck[this.calls] ?? 'well'
    for (const { note } of this.script.said.filter(({ at }) => at === this.calls)) this.say(note)
    this.calls += 1
    this.now += 40
    if (luck === 'lost before') throw new Unanswered(service, 'reset')
    if (luck === 'limit') throw new ComeBack(service, this.now + 30_000, 'rate-limit', 'limit')
    if (luck === 'crash before') throw new Crash()
    const done = effect()
    if (luck === 'lost after') throw new Unanswered(service, 'reset')
    if (luck === 'crash after') throw new Crash()
    return done
  }

  say(note: Note): void {
    this.inbox.push(JSON.stringify(note))
    if (note.says === 'more') this.accepted.push(note.id)
  }

  agentOf(taskRunId: string): AgentRun {
    const found = this.tasks.flatMap(({ runs }) => runs).find(({ id }) => id === taskRunId)
    if (!found) throw new Refused('posthog', 404, 'not_found', 'Not found.')
    return found
  }

  begin(runs: AgentRun[]): AgentRun {
    const run: AgentRun = {
      id: crypto.randomUUID(),
      status: 'queued',
      error: undefined,
      log: [],
      pulls: [],
      said: new Map(),
      due: 1,
      busy: 0,
      cancelled: false,
    }
    runs.push(run)
    return run
  }

  /** The agent moves on a little whenever somebody looks. */
  work(agent: AgentRun): void {
    const log = (what: LogEntry['what']): void => void agent.log.push({ at: this.now, what })
    if (['completed', 'failed', 'cancelled'].includes(agent.status)) return
    if (agent.cancelled) agent.status = 'cancelled'
    else if (agent.status === 'queued') agent.status = 'in_progress'
    else if (agent.busy > 0) {
      agent.busy -= 1
      log({ is: 'activity' })
      if (agent.busy === 0) log({ is: 'turn-over' })
    } else if (agent.due > 0) {
      agent.due -= 1
      const does = this.script.turns[this.turn] ?? 'answers'
      this.turn += 1
      log({ is: 'progress', step: `s${this.turn}`, label: does, done: false })
      if (does === 'fails') {
        agent.status = 'failed'
        agent.error = 'boom'
        return
      }
      if (does === 'opens' || does === 'opens, then goes on') this.open(agent)
      if (does === 'opens, then goes on') {
        agent.busy = 8
        return
      }
      if (does === 'pushes')
        for (const name of this.branches.keys())
          if (name.startsWith('codex/')) this.branches.set(name, `${this.turn}`.padStart(40, 'd'))
      if (does !== 'is silent') log({ is: 'message', text: `turn ${this.turn}` })
      log({ is: 'turn-over' })
      if (does === 'completes') agent.status = 'completed'
    }
  }

  open(agent: AgentRun): void {
    const number = 20 + this.pulls.length
    const url = `https://github.com/acme/shop/pull/${number}`
    const head = { ref: `codex/work-${number}`, sha: 'e'.repeat(40), base: 'main', repoId: 100 }
    this.branches.set(head.ref, head.sha)
    this.pulls.push({ number, url, title: 'T', body: 'Closes #7', draft: true, state: 'open', head })
    agent.pulls.push(url)
  }

  readonly github: Partial<ThreadClient> = {
    react: () => Promise.resolve(),
    unreact: () => Promise.resolve(),
    assign: () => Promise.resolve(),
    requestReview: () => Promise.resolve(),
    permission: () => this.at('github', () => ({ role: 'write', name: 'write' })),
    closedBy: () => this.at('github', () => undefined),
    removeLabel: () => this.at('github', () => undefined),
    comments: () => this.at('github', () => []),
    ownComments: () => this.at('github', () => [...this.comments]),
    comment: body =>
      this.at('github', () => {
        const id = 600 + this.comments.length
        this.comments.push({ id, body, createdAt: this.now })
        return id
      }),
    edit: (id, body) =>
      this.at('github', () => {
        const found = this.comments.find(comment => comment.id === id)
        if (found) found.body = body
        return found ? 'edited' : 'gone'
      }),
    branch: name =>
      this.at('github', () => {
        const sha = this.branches.get(name)
        return sha === undefined ? undefined : { name, sha }
      }),
    issueBranches: () =>
      this.at('github', () => ({
        linked: [],
        ours: [...this.branches]
          .filter(([name]) => name.startsWith('codex/issue-7'))
          .map(([name, sha]) => ({ name, sha })),
        base: { name: 'main', sha: this.main },
        ids: undefined,
      })),
    makeBranch: (name, sha) =>
      this.at('github', () => {
        this.branches.set(name, sha)
        return { linked: false }
      }),
    deleteBranch: name => this.at('github', () => void this.branches.delete(name)),
    pull: number => this.at('github', () => this.pulls.find(each => each.number === number)),
    pullsFrom: head => this.at('github', () => this.pulls.filter(each => each.head.ref === head)),
    isBaseOfPull: base => this.at('github', () => this.pulls.some(each => each.head.base === base)),
    openPull: ({ head, base, title, body }) =>
      this.at('github', () => {
        this.effects.push(`pull ${head}`)
        const number = 20 + this.pulls.length
        const view: PullView = {
          number,
          url: `https://github.com/acme/shop/pull/${number}`,
          title,
          body,
          draft: true,
          state: 'open',
          head: { ref: head, sha: 'f'.repeat(40), base, repoId: 100 },
        }
        this.pulls.push(view)
        return view
      }),
    amendPull: (number, { base, body }) =>
      this.at('github', () => {
        const index = this.pulls.findIndex(each => each.number === number)
        const before = this.pulls[index]
        if (!before) throw new Refused('github', 404, '', 'Not Found')
        const view = {
          ...before,
          body: body ?? before.body,
          head: { ...before.head, base: base ?? before.head.base },
        }
        this.pulls[index] = view
        return view
      }),
  }

  readonly posthog: Partial<TasksClient> = {
    createTask: ({ description }) =>
      this.at('posthog', () => {
        const id = `task-${this.tasks.length + 1}`
        this.effects.push('task')
        this.tasks.push({ id, description, runs: [] })
        return id
      }),
    findTask: marker =>
      this.at('posthog', () => this.tasks.find(({ description }) => description.includes(marker))?.id),
    startRun: (taskId, body) =>
      this.at('posthog', () => {
        this.effects.push(`run ${body.pending_user_message}`)
        return this.begin(this.tasks.find(({ id }) => id === taskId)?.runs ?? []).id
      }),
    runIds: taskId =>
      this.at('posthog', () => (this.tasks.find(({ id }) => id === taskId)?.runs ?? []).map(({ id }) => id)),
    statusOf: ({ taskRunId }) => this.at('posthog', () => this.agentOf(taskRunId).status),
    logLength: ({ taskRunId }) => this.at('posthog', () => this.agentOf(taskRunId).log.length),
    look: ({ taskRunId }, offset) =>
      this.at('posthog', () => {
        const agent = this.agentOf(taskRunId)
        this.work(agent)
        const log = agent.log.slice(offset)
        return {
          status: agent.status,
          error: agent.error,
          pulls: [...agent.pulls],
          headBranch: undefined,
          model: undefined,
          effort: undefined,
          authorship: undefined,
          updatedAt: this.now,
          log,
          offset: offset + log.length,
        }
      }),
    say: ({ taskRunId }, { id, text }) =>
      this.at('posthog', () => {
        const agent = this.agentOf(taskRunId)
        this.effects.push(`say ${id}`)
        if (['completed', 'failed', 'cancelled'].includes(agent.status)) return 'ended'
        // PostHog's own dedupe.
        if (!agent.said.has(id)) agent.due += 1
        agent.said.set(id, text)
        return 'queued'
      }),
    cost: () => Promise.resolve(0.42),
    cancel: ({ taskRunId }) =>
      this.at('posthog', () => {
        this.effects.push('cancel')
        this.agentOf(taskRunId).cancelled = true
      }),
  }

  /** The Run as it was asked for. */
  begun(): Run {
    const { earlier } = this.script
    if (earlier === undefined) return runWith()
    const runs: AgentRun[] = []
    const before = this.begin(runs)
    before.due = 0
    before.status = earlier === 'over' ? 'completed' : 'in_progress'
    before.log.push(
      { at: this.now, what: { is: 'message', text: 'an old answer' } },
      { at: this.now, what: { is: 'turn-over' } },
    )
    if (earlier !== 'gone') this.tasks.push({ id: 'task-0', description: '', runs })
    return runWith({ taskId: 'task-0', earlier: { taskId: 'task-0', taskRunId: before.id, over: false } })
  }

  /** Lives the Run from its asking to its end, and checks each record that is saved. */
  async live(): Promise<Run> {
    const deps: RunDeps = {
      github: () => this.github as ThreadClient,
      posthog: this.posthog as TasksClient,
      signer: this.signer,
      deployment,
      log: { info() {}, warn() {}, error() {} },
      now: () => this.now,
      liveRuns: () => Promise.resolve(1),
      others: () => Promise.resolve([]),
      stream: { watch: () => false, unwatch() {} },
      userToken: undefined,
      fence: () => 'f'.repeat(16),
      reached: () => {},
    }
    const advance = advanceRun(deps)
    let data = this.begun()
    let stalls = 0
    for (let i = 0; i < 2_000; i += 1) {
      const job: Held<Run> = {
        id: data.id,
        data,
        addedAt: t0,
        stalls,
        failures: 0,
        signal: new AbortController().signal,
        assertHeld: () => Promise.resolve(),
        inbox: () => Promise.resolve([...this.inbox]),
        save: async next => {
          this.check(data, next)
          data = Run.parse(JSON.parse(JSON.stringify(next)))
          this.saves.push(data)
        },
      }
      try {
        const verdict = await advance(job)
        if (verdict.do === 'end') return data
        expect(verdict.ms).toBeGreaterThanOrEqual(0)
        this.now += Math.max(1, Math.min(verdict.ms, hour))
      } catch (error) {
        if (!(error instanceof Crash)) throw error
        stalls += 1
      }
    }
    return expect.fail(`does not end: ${JSON.stringify(data)}`)
  }

  /** Nothing that is known is forgotten, and nothing that was counted is counted back. */
  check(before: Run, after: Run): void {
    for (const count of ['round', 'notesRead', 'reported', 'passedOn', 'stallsSeen'] as const)
      expect(after[count], count).toBeGreaterThanOrEqual(before[count])
    for (const list of ['delivered', 'dropped'] as const)
      expect(after[list].slice(0, before[list].length), list).toEqual(before[list])
    expect(new Set(after.delivered).size, 'nothing is delivered twice').toBe(after.delivered.length)
    expect(after.pulls.length).toBeGreaterThanOrEqual(before.pulls.length)
    if (before.taskId !== undefined && this.script.earlier !== 'gone')
      expect(after.taskId).toBe(before.taskId)
    if (before.asked) expect(after.asked).toBe(true)
    if (before.turn) expect(after.turn).toBe(true)
    if (before.outcome && after.round === before.round) expect(after.outcome).toEqual(before.outcome)
    // Words that are recorded as delivered are not sent again.
    for (const id of before.delivered)
      expect(
        this.effects.slice(this.#effectsAtSave).filter(effect => effect === `say ${id}`),
        `${id} is said again`,
      ).toEqual([])
    this.#effectsAtSave = this.effects.length
  }
  #effectsAtSave = 0

  /** The markers of our comments, and what each was about. */
  marked(): { as: string; round: number; text: string }[] {
    return this.comments.flatMap(({ body }) => {
      const [marker] = this.signer.read(body, { repoId: 100, number: 7 })
      return marker
        ? [{ as: marker.as, round: marker.round ?? 0, text: body.replace(/\n\n<!-- codex-run:.*$/s, '') }]
        : []
    })
  }
}

const instruction = runWith().ask.text

const words = (i: number): string => `words number ${i}, please`

const note = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 4 }).map((i): Note => more(`m${i}`, words(i), zoe)) },
  { weight: 1, arbitrary: fc.constant<Note>({ says: 'stop', id: 'stop', by: maya, at: t0 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }).map((i): Note => ({ says: 'look', id: `k${i}` })) },
  {
    weight: 1,
    arbitrary: fc.constant<Note>({ says: 'label', id: 'l', by: zoe, at: t0, label: 'codex:high' }),
  },
)
const luck = (bad: readonly Luck[]): fc.Arbitrary<Luck[]> =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant<Luck>('well') },
      { weight: 1, arbitrary: fc.constantFrom(...bad) },
    ),
    { maxLength: 40 },
  )

const script = (bad: readonly Luck[]): fc.Arbitrary<Script> =>
  fc.record({
    earlier: fc.constantFrom<Script['earlier']>(undefined, undefined, 'listens', 'over', 'gone'),
    luck: luck(bad).map(all => {
      // Ten crashes in a row give the Run up, which is another story.
      let crashes = 0
      return all.map(each => (each.startsWith('crash') && ++crashes > 8 ? 'well' : each))
    }),
    said: fc.uniqueArray(fc.record({ at: fc.integer({ min: 0, max: 60 }), note }), {
      maxLength: 6,
      selector: ({ note: { id } }) => id,
    }),
    turns: fc.array(
      fc.constantFrom<Turn>(
        'answers',
        'opens',
        'opens, then goes on',
        'pushes',
        'is silent',
        'fails',
        'completes',
      ),
      {
        maxLength: 6,
      },
    ),
  })

/** Lives one Run and checks what became of it. */
async function lives(given: Script): Promise<World> {
  const world = new World(given)
  const run = await world.live()

  // It ends with a word.
  expect(run.outcome).toBeDefined()
  expect(run.told).toMatchObject({ comment: true, reaction: true, label: true, branch: true })
  expect(run.intent).toBeUndefined()

  // One task, one run, and another run only for words that found the last one ended.
  expect(world.tasks.length).toBeLessThanOrEqual(1)
  const started = world.effects.filter(effect => effect.startsWith('run '))
  expect(started.filter(prompt => prompt.includes(instruction)).length).toBeLessThanOrEqual(1)
  const followed = started.filter(prompt => !prompt.includes(instruction))
  expect(new Set(followed).size).toBe(followed.length)
  expect(followed.length).toBeLessThanOrEqual(world.accepted.length)
  expect(world.effects.filter(effect => effect.startsWith('pull ')).length).toBeLessThanOrEqual(1)

  // One status comment; one last word a round, and none of them empty.
  const marked = world.marked()
  expect(marked.filter(({ as }) => as === 'status')).toHaveLength(1)
  const closings = marked.filter(({ as }) => as === 'closing')
  expect(new Set(closings.map(({ round }) => round)).size).toBe(closings.length)
  for (const { text } of closings) expect(text).toMatch(/^@(?:maya|zoe) \S/)
  expect(closings.map(({ round }) => round)).toContain(run.round)

  // Every word that was accepted reached the agent, or was dropped by a stop; where there is nothing to
  // go on with, it goes back to its command, which starts over.
  const waiting = run.undelivered.map(({ id }) => id)
  if (run.taskId !== undefined && run.branch) expect(waiting).toEqual([])
  const read = new Set([...run.delivered, ...waiting])
  expect(world.accepted.slice(0, run.notesRead).filter(id => !read.has(id))).toEqual([])
  expect(run.notesRead).toBe(world.inbox.length)
  const agents = world.tasks.flatMap(({ runs }) => runs)
  for (const id of run.delivered.filter(
    each => world.accepted.includes(each) && !run.dropped.includes(each),
  )) {
    const heard = [...agents.flatMap(({ said }) => [...said.values()]), ...followed].filter(text =>
      text.includes(words(Number(id.slice(1)))),
    )
    expect(heard.length, `${id} reached the agent`).toBeGreaterThanOrEqual(1)
  }
  return world
}

const holds = (bad: readonly Luck[], numRuns: number): Promise<void> =>
  fc.assert(
    fc.asyncProperty(script(bad), async given => void (await lives(given))),
    { numRuns, timeout: 20_000 },
  )

describe('a Run ends, does nothing twice, never goes back and loses no word', () => {
  test('when all goes well', () => holds(['well'], 80))
  test('when answers are lost', () => holds(['lost before', 'lost after'], 120))
  test('when there are limits', () => holds(['limit'], 60))
  test('when the process dies', () => holds(['crash before', 'crash after'], 120))
  test('when all of that comes together', () =>
    holds(['lost before', 'lost after', 'limit', 'crash before', 'crash after'], 200))
})

test('an ordinary life is short', async () => {
  const world = new World({ luck: [], said: [], turns: ['opens'] })
  const run = await world.live()
  expect(run.outcome).toEqual({ is: 'pull' })
  expect(world.now - t0).toBeLessThan(minute)
  expect(world.calls).toBeLessThan(40)
  expect(world.effects.map(effect => effect.split(' ')[0])).toEqual(['task', 'run'])
  expect(run.pulls[0]?.number).toBe(20)
  expect(world.now - t0).toBeGreaterThan(second)
})

const stop: Note = { says: 'stop', id: 'stop', by: maya, at: t0 }

test.each(['well', 'lost before', 'lost after', 'crash before', 'crash after'] as const)(
  'something may be said at any moment, and the call before it may go %s',
  async fate => {
    const notes = [stop, more('m0', words(0))]
    for (let at = 0; at < 30; at += 1)
      for (const note of notes)
        for (const later of [0, 1]) {
          const luck: Luck[] = [...Array.from({ length: at }, (): Luck => 'well'), fate]
          const given: Script = { luck, said: [{ at: at + later, note }], turns: ['opens, then goes on'] }
          await lives(given).catch((cause: unknown) =>
            expect.fail(`${JSON.stringify({ at, later, says: note.says })}: ${cause}`),
          )
        }
  },
)
