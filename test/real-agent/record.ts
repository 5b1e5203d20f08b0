/**
 * Plays one run of the real agent without the bot, and keeps what it logged, patched, streamed and asked the model, with
 * the times. This is how `test/data/agent-recordings` is made.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryHands } from '../../emulators/posthog/hands.ts'
import { settle } from '../../emulators/posthog/options.ts'
import { type Notification, Run, type Task } from '../../emulators/posthog/run.ts'
import { World } from '../../emulators/posthog/world.ts'
import type { GhCall, GitHubSide } from './checkout.ts'
import { RealAgents } from './driver.ts'
import { root, runsFolder, versions } from './installed.ts'
import type { Script, Turn } from './model.ts'
import { withPlaceholders } from './placeholders.ts'
import type { Answer, Sandbox } from './sandbox.ts'
import type { EventLine, Patch, SandboxCall, Watcher } from './sandbox-api.ts'
import { description, firstMessage, type Scenario, scenarios } from './scenarios.ts'

export const recordings = join(root, 'test/data/agent-recordings')

interface Commanded {
  at: number
  method: string
  params: object
  answeredAt?: number
  answer?: Answer
}

/** What the agent-server does, from its start on. */
class Recording implements Watcher {
  readonly #scenario: Scenario
  start = Date.now()
  run: Run | undefined
  readonly log: { at: number; stored: number; entry: object }[] = []
  readonly row: { at: number; logLength: number; patch: Patch }[] = []
  readonly commands: Commanded[] = []
  readonly marks: { at: number; logLength: number; what: string }[] = []
  readonly requests: SandboxCall[] = []
  readonly stream: object[] = []
  /** As they came, from the events. */
  readonly heard: string[] = []
  readonly #prompts = new Set<unknown>()
  answers = 0
  readonly permissions: string[] = []
  readonly #streamed = new Set<string>()
  #refusals = 0

  constructor(scenario: Scenario) {
    this.#scenario = scenario
  }

  get now(): number {
    return Date.now() - this.start
  }

  mark(what: string): void {
    this.marks.push({ at: this.now, logLength: this.log.length, what })
  }

  called(run: Run, call: SandboxCall): void {
    if (run !== this.run) return
    call.at = this.now
    this.requests.push(call)
  }

  patched(run: Run, patch: Patch): void {
    if (run === this.run) this.row.push({ at: this.now, logLength: this.log.length, patch })
  }

  appended(run: Run, entries: readonly Notification[]): void {
    if (run !== this.run) return
    for (const { timestamp, ...entry } of entries)
      this.log.push({ at: Date.parse(timestamp) - this.start, stored: this.now, entry })
  }

  event(run: Run, line: EventLine): void {
    if (run !== this.run) return
    if (!('event' in line)) return void this.stream.push({ at: this.now, control: line })
    const { seq, event } = line
    this.#hear(event)
    const { notification } = event as Partial<Notification>
    const said = notification as Rpc | undefined
    if (!said) return void this.stream.push({ at: this.now, seq, event })
    const is = said.method ?? ('error' in said ? 'error' : 'result')
    const update = said.params?.update?.sessionUpdate
    this.stream.push({ at: this.now, seq, is, ...(update === undefined ? {} : { update }) })
  }

  refuses(_: Run, { method, path }: SandboxCall): number | undefined {
    const { refused } = this.#scenario
    if (!refused || method !== refused.method || !path.replace(/\/$/, '').endsWith(refused.path))
      return undefined
    this.#refusals += 1
    // The first batch is the session itself; what is lost is the turn.
    const [nth, last] = refused.always ? [1, Number.POSITIVE_INFINITY] : [2, 2]
    return this.#refusals >= nth && this.#refusals <= last ? refused.status : undefined
  }

  #hear(event: Record<string, unknown>): void {
    const text = JSON.stringify(event)
    this.heard.push(text)
    const said = (event as Partial<Notification>).notification as Rpc | undefined
    if (said?.method === 'session/prompt') this.#prompts.add(said.id)
    else if (said && said.method === undefined && this.#prompts.has(said.id) && !said.result?._meta?.steer)
      this.answers += 1
    const requestId = event.type === 'permission_request' ? event.requestId : said?.params?.requestId
    const asks = event.type === 'permission_request' || said?.method === '_posthog/permission_request'
    if (!asks || typeof requestId !== 'string' || this.#streamed.has(requestId)) return
    this.#streamed.add(requestId)
    this.permissions.push(requestId)
  }
}

interface Rpc {
  id?: unknown
  method?: string
  params?: { update?: { sessionUpdate?: string }; requestId?: unknown }
  result?: { _meta?: { steer?: boolean } }
}

/** What a scenario does to its run. */
export class Player {
  readonly #recording: Recording
  readonly #script: Script
  readonly #sandbox: Sandbox

  constructor(recording: Recording, script: Script, sandbox: Sandbox) {
    this.#recording = recording
    this.#script = script
    this.#sandbox = sandbox
  }

  async command(method: string, params: object): Promise<void> {
    const { commands } = this.#recording
    const commanded: Commanded = { at: this.#recording.now, method, params }
    commands.push(commanded)
    const answer = await this.#sandbox.command(method, params).catch(() => undefined)
    if (answer) Object.assign(commanded, { answeredAt: this.#recording.now, answer })
  }

  says(text: string, messageId: string): Promise<void> {
    this.#recording.mark(`sends ${messageId}`)
    return this.command('user_message', { content: `${text} (message ${messageId})`, messageId })
  }

  /** From its next call on. */
  modelSays(turn: Turn): void {
    this.#script.says(turn)
  }

  calls(times: number): Promise<void> {
    return this.#script.called(times)
  }

  turns(times: number): Promise<void> {
    return this.#until(() => this.#recording.answers >= times)
  }

  logged(text: string): Promise<void> {
    return this.#until(() => this.#recording.heard.some(heard => heard.includes(text)))
  }

  row(status: string): Promise<void> {
    return this.#until(() => this.#recording.row.some(({ patch }) => patch.status === status))
  }

  /** @returns the id of the nth that is asked for */
  async permission(nth: number): Promise<string> {
    const { permissions } = this.#recording
    await this.#until(() => permissions.length >= nth)
    return permissions[nth - 1] ?? ''
  }

  kills(): void {
    this.#recording.mark('killed')
    this.#sandbox.kill()
  }

  killsCodex(): void {
    this.#recording.mark('kills codex')
    this.#sandbox.killCodex()
  }

  terminates(): void {
    this.#recording.mark('SIGTERM')
    this.#sandbox.terminate()
  }

  async #until(seen: () => boolean): Promise<void> {
    for (let tries = 0; tries < 6_000 && !seen(); tries += 1) await sleep(20)
    if (!seen()) throw new Error(`never seen: ${seen}`)
  }
}

const repository = 'octo/demo'

/** A repository of one file, and no GitHub; `gh` knows one pull request, if it is there at all. */
function gitHubOf({ gh }: Scenario): GitHubSide {
  const shown = {
    createdAt: new Date().toISOString(),
    author: { login: 'somebody' },
    isCrossRepository: false,
  }
  const headRefName = gh === 'knows-the-branch' ? 'posthog/fix' : 'other'
  return {
    defaultBranch: async () => 'main',
    branches: async () => ['main'],
    files: async () => ({ 'README.md': '# demo\n' }),
    commit: async () => {},
    gh: async (_, { args: [topic, verb] }: GhCall) => {
      if (gh === undefined || topic !== 'pr') return { code: 1, out: '' }
      const created = `https://github.com/${repository}/pull/5`
      return { code: 0, out: `${verb === 'create' ? created : JSON.stringify({ ...shown, headRefName })}\n` }
    },
  }
}

/** @returns the file it wrote */
export async function record(name: string, folder = recordings): Promise<string> {
  const scenario = scenarios[name]
  if (!scenario) throw new Error(`no such recording: ${name}. There are ${Object.keys(scenarios).join(', ')}`)
  const recording = new Recording(scenario)
  const agents = new RealAgents({
    gitHub: gitHubOf(scenario),
    gitHubUrl: 'https://github.com',
    watcher: recording,
    withoutOauthFile: scenario.withoutOauthFile,
  })
  const hands = new MemoryHands()
  hands.repository(repository)
  const world = new World(settle({ hands, timing: { queued: 0 } }), agents.drives)
  try {
    return await play(name, scenario, { recording, agents, world, folder })
  } finally {
    world.close()
    await agents.close()
  }
}

interface Studio {
  recording: Recording
  agents: RealAgents
  world: World
  folder: string
}

async function play(
  name: string,
  scenario: Scenario,
  { recording, agents, world, folder }: Studio,
): Promise<string> {
  const task = newTask(scenario)
  world.tasks.push(task)
  const given = { task, branch: 'main', artifacts: [], staleMs: 0, logMs: 0, maxFrames: 10_000 }
  const before = scenario.resumes
    ? new Run({ ...given, prompt: 'earlier', state: {}, resumedFrom: undefined })
    : undefined
  if (before) before.log.push(...earlierLog())
  const mode = scenario.mode ?? 'background'
  const asked = scenario.resumes
    ? scenario.state
    : { pending_user_message: firstMessage, pending_user_message_id: 'm1', ...scenario.state }
  const from = before ? { resume_from_run_id: before.id } : {}
  const state = { mode, pr_base_branch: 'main', auto_publish: false, ...from, ...asked }
  const run = new Run({ ...given, prompt: description, state, resumedFrom: before })
  world.runs.push(...(before ? [before] : []), run)
  recording.run = run
  const script = agents.plays('', scenario.model, {
    teardown: 'never',
    noticesDeath: undefined,
    progress: false,
  })
  world.agent.start(run)
  const sandbox = await agents.sandboxOf(run)
  recording.start = sandbox.startedAt
  const watching = new AbortController()
  await sandbox.ready()
  if (scenario.watched) sandbox.watch(watching.signal).catch(() => {})
  const player = new Player(recording, script, sandbox)
  await scenario.act?.(player)
  await ended(player, scenario)
  await sleep(4_000)
  watching.abort()
  recording.mark('the agent-server is stopped (SIGTERM)')
  sandbox.terminate()
  const exit = await Promise.race([sandbox.exited, sleep(15_000).then(() => sandbox.kill())]).then(
    () => sandbox.exited,
  )
  const made = { at: recording.now, ...exit }
  return keep(name, { scenario, recording, script, run, exit: made, folder })
}

async function ended(player: Player, { ends }: Scenario): Promise<void> {
  if (ends === 'failed') await player.row('failed')
  else if (ends !== 'never') await player.turns(1)
}

const newTask = ({ jsonSchema }: Scenario): Task =>
  Object.assign(
    {
      id: crypto.randomUUID(),
      number: 1,
      title: 'A sum',
      titleManuallySet: true,
      description,
      summary: null,
      repository,
      githubIntegration: null,
      createdBy: 1,
      createdAt: new Date(),
      updatedAt: new Date(),
      listedFrom: 0,
    },
    jsonSchema && { jsonSchema },
  )

/** What a run logged that answered. */
function earlierLog(): Notification[] {
  const timestamp = new Date().toISOString()
  const update = (sessionUpdate: string, text: string): Notification => ({
    type: 'notification',
    event_id: 'earlier',
    timestamp,
    notification: {
      jsonrpc: '2.0',
      method: 'session/update',
      params: { sessionId: 'earlier', update: { sessionUpdate, content: { type: 'text', text } } },
    },
  })
  return [update('user_message_chunk', firstMessage), update('agent_message', 'Two and two is four.')]
}

interface Made {
  scenario: Scenario
  recording: Recording
  script: Script
  run: Run
  exit: object
  folder: string
}

async function keep(name: string, { scenario, recording, script, run, exit, folder }: Made): Promise<string> {
  const path = join(folder, `${name}.json`)
  const before = JSON.parse(await readFile(join(recordings, `${name}.json`), 'utf8').catch(() => '{}'))
  const { '@posthog/agent': agent, '@openai/codex': codex } = versions()
  const header = {
    name,
    about: scenario.about,
    made: `The real \`agent-server\` of @posthog/agent ${agent} with the real @openai/codex ${codex} were run with a stand-in for PostHog’s API and a scripted model, in a network of loopback alone. Times are ms since the start of the agent-server; ids, paths and times are placeholders; texts over 3,000 characters are cut.`,
    reads:
      '`log` is what session_logs would give, without `timestamp`: `at` stands for it, `stored` when append_log brought it. `row` are the PATCHes of the run, with how many entries the log had. `stream` is the event ingest: what the log does not have, in full; the rest by name.',
    mode: scenario.mode ?? 'background',
    state: { ...(scenario.resumes ? { resume_from_run_id: '<earlier-run>' } : {}), ...scenario.state },
    description,
    model: scenario.model,
  }
  const { log, row, commands, marks, requests, stream } = recording
  const model = script.calls.map(call => shownCall(call, recording.start))
  // What people found out about it stays with it.
  const judged = Object.fromEntries(Object.entries(before).filter(([key]) => key.startsWith('judged')))
  const parts = { ...judged, log, row, commands, marks, exit, requests, stream, model }
  const shown = withPlaceholders(parts, {
    run: run.id,
    task: run.task.id,
    ...(run.resumedFrom && { 'earlier-run': run.resumedFrom.id }),
    repo: join(runsFolder, run.id, 'repo'),
    base: join(runsFolder, run.id),
    root,
  })
  const lines = Object.entries({ header, ...shown }).map(([key, value]) => `"${key}": ${linesOf(value)}`)
  await writeFile(path, `{\n${lines.join(',\n')}\n}\n`)
  return path
}

/** One line an entry, so that a diff says what changed. */
const linesOf = (value: unknown): string =>
  Array.isArray(value) && value.length > 0
    ? `[\n${value.map(each => JSON.stringify(each)).join(',\n')}\n]`
    : JSON.stringify(value)

interface Asked {
  input?: unknown[]
  tools?: { name?: string; type?: string }[]
}

function shownCall({ at, method, path, body, reply }: Script['calls'][number], start: number) {
  const { input = [], tools = [] } = body as Asked
  const names = tools.map(({ name, type }) => name ?? type)
  return { at: at - start, method, path, items: input.length, tools: names, last: input.at(-1), reply }
}
