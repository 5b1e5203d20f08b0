/**
 * Drives the runs of an emulated PostHog by real agents: a sandbox for each, and around it what only PostHog's workflow
 * does. How the deployed workflow does that is not known, so it can be chosen, and is unkind unless said otherwise.
 */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Driver, MakeDriver, PassedOn } from '../../emulators/posthog/driver.ts'
import { Interrupted, pause, timerMs } from '../../emulators/posthog/pause.ts'
import type { Reply } from '../../emulators/posthog/reply.ts'
import type { Message, Run } from '../../emulators/posthog/run.ts'
import type { World } from '../../emulators/posthog/world.ts'
import { closed } from '../../emulators/serving.ts'
import { Checkout, type GitHubSide } from './checkout.ts'
import { runsFolder } from './installed.ts'
import { Model, Script, type Turn } from './model.ts'
import { Sandbox } from './sandbox.ts'
import { SandboxApi } from './sandbox-api.ts'

/** What PostHog's workflow does. */
export interface Workflow {
  /** Milliseconds from a terminal row to the end of the sandbox. */
  teardown: number
  /** Also hands on the message that the run began with, without an id, as an older one does. */
  forwardsFirst: boolean
  /** Somebody has set it in PostHog, in the place of what the run asked for. */
  inMode?: 'plan' | 'read-only'
  /** A desktop reads its events, so that commands are asked for. */
  watched?: true
}

const unkind: Workflow = { teardown: 0, forwardsFirst: false }
/** Milliseconds from the death of a sandbox to the row that says so. */
const noticesDeath = 500

interface Given {
  gitHub: GitHubSide
  /** The address that stands for https://github.com. */
  gitHubUrl: string
  gitHubToken: string
}

/** One run as a test sees it. */
interface Live {
  run: Run
  sandbox: Sandbox
  checkout: Checkout
}

interface Scripted {
  words: string
  script: Script
  workflow: Workflow
}

export class RealAgents {
  readonly #given: Given
  readonly #scripts: Scripted[] = []
  readonly #lives = new Map<string, Live>()
  readonly #model = new Model()
  readonly #shims = createServer((request, response) => {
    this.#serveShim(request.url ?? '', json(request)).then(
      answer => response.end(JSON.stringify(answer)),
      (error: unknown) => response.end(JSON.stringify({ code: 1, out: `${error}\n` })),
    )
  })
  #api: Promise<SandboxApi> | undefined

  constructor(given: Given) {
    this.#given = given
  }

  /** What the model says in every run that was begun with these words, or goes on from one. */
  plays(words: string, turns: Turn[], workflow: Partial<Workflow> = {}): Script {
    const script = new Script(turns)
    this.#scripts.unshift({ words, script, workflow: { ...unkind, ...workflow } })
    return script
  }

  /** Those that were started for these words, oldest first. */
  sandboxes(words: string): Sandbox[] {
    const { script } = this.#scripted(words)
    const lives = [...this.#lives.values()]
    return lives
      .filter(({ run }) => this.#scriptOf(run).script === script)
      .map(({ sandbox }) => sandbox)
  }

  /** Until the newest run that was begun with these words has this in its log. */
  async stored(words: string, text: string): Promise<void> {
    const { script } = this.#scripted(words)
    for (;;) {
      const run = [...this.#lives.values()].findLast(
        live => this.#scriptOf(live.run).script === script,
      )?.run
      if (run?.log.some(entry => JSON.stringify(entry).includes(text))) return
      await sleep(50)
    }
  }

  readonly drives: MakeDriver = world => {
    this.#api = this.#listen(world)
    return {
      start: run => this.#guarded(run, this.#drive(world, run)),
      receive: (run, message) => this.#guarded(run, this.#deliver(run, message)),
      passOn: (run, command) => this.#passOn(run, command),
    } satisfies Driver
  }

  async close(): Promise<void> {
    const lives = [...this.#lives.values()]
    await Promise.all(lives.map(({ sandbox }) => sandbox.closed()))
    await Promise.all(lives.map(({ run }) => keepLog(run)))
    await Promise.all([this.#model.close(), closed(this.#shims), (await this.#api)?.close()])
  }

  async #listen(world: World): Promise<SandboxApi> {
    await this.#model.listen()
    await new Promise<void>(resolve => this.#shims.listen(0, '127.0.0.1', resolve))
    return new SandboxApi(world, this.#given.gitHubUrl).listen()
  }

  #guarded(run: Run, work: Promise<void>): void {
    work.catch((thrown: unknown) => {
      if (!(thrown instanceof Interrupted))
        run.finish('failed', `The test could not play this: ${thrown}`)
    })
  }

  async #drive(world: World, run: Run): Promise<void> {
    const { timing, projectId } = world.settings
    const { script, workflow } = this.#scriptOf(run)
    const api = await this.#api
    if (!api) throw new Error('nobody listens')
    await pause(timing.queued, run.life.signal)
    run.progress('sandbox', 'in_progress', 'Setting up sandbox')
    if (workflow.inMode) run.setState({ initial_permission_mode: workflow.inMode }, [])
    const folder = join(runsFolder, run.id)
    const asked = run.state.pr_base_branch
    const checkout = await Checkout.make({
      folder,
      gitHub: this.#given.gitHub,
      repository: run.task.repository ?? '',
      branch: typeof asked === 'string' ? asked : undefined,
      shimUrl: `http://127.0.0.1:${(this.#shims.address() as AddressInfo).port}/${run.id}`,
    })
    run.progress('sandbox', 'completed', 'Set up sandbox')
    if (run.state.pending_user_message !== undefined)
      run.state.pending_user_message_id ??= randomUUID()
    if (run.terminal) return
    const sandbox = await Sandbox.start({
      taskId: run.task.id,
      runId: run.id,
      projectId,
      folder,
      baseBranch: checkout.base,
      apiUrl: api.url,
      apiKey: api.key,
      gatewayUrl: this.#model.plays(run.id, script),
      mode: String(run.state.mode),
      model: text(run.state.model) ?? 'gpt-5.5',
      effort: text(run.state.reasoning_effort),
      autoPublish: run.state.auto_publish === true,
      gitHubToken: this.#given.gitHubToken,
    })
    this.#lives.set(run.id, { run, sandbox, checkout })
    run.life.signal.addEventListener('abort', () => tearDown(sandbox, workflow), { once: true })
    if (run.life.signal.aborted) tearDown(sandbox, workflow)
    this.#guarded(run, noticeDeath(run, sandbox))
    endWhenIdle(run, timing.idle)
    if (!(await sandbox.ready())) return
    if (workflow.watched) sandbox.watch(run.life.signal).catch(() => {})
    run.sandboxUp = true
    run.turns = 1
    for (const begin of run.onTurn.splice(0)) begin()
    if (!workflow.forwardsFirst) return
    await script.called(script.calls.length + 1)
    await sandbox.command('user_message', { content: run.prompt })
  }

  /** In the order in which they came; the first one of a run goes with its row. */
  async #deliver(run: Run, message: Message): Promise<void> {
    while (!run.sandboxUp) await pause(50, run.life.signal)
    const { sandbox } = this.#live(run)
    const params = {
      content: message.text,
      ...(message.id === undefined ? {} : { messageId: String(message.id) }),
    }
    // It is answered when its turn is over, or never when its sandbox goes.
    await sandbox.command('user_message', params).catch(() => {})
  }

  async #passOn(run: Run, { method, params, id }: PassedOn): Promise<Reply> {
    const { status, body } = await this.#live(run).sandbox.command(method, params, id)
    return { status, body }
  }

  async #serveShim(url: string, body: Promise<unknown>): Promise<unknown> {
    const { checkout } = this.#live({ id: url.slice(1) })
    const { program, args, input } = Shimmed.parse(await body)
    if (program === 'gh') return checkout.gh(args, input)
    await checkout.pushed()
    return { code: 0, out: '' }
  }

  #live({ id }: Pick<Run, 'id'>): Live {
    const live = this.#lives.get(id)
    if (!live) throw new Error(`no sandbox of run ${id}`)
    return live
  }

  #scriptOf(run: Run): Scripted {
    const all = [run.prompt]
    for (let at = run.resumedFrom; at; at = at.resumedFrom) all.push(at.prompt)
    return this.#scripted(all.join('\n'))
  }

  #scripted(words: string): Scripted {
    const found = this.#scripts.find(each => words.includes(each.words))
    if (!found) throw new Error(`nobody scripted the model for ${words.slice(0, 200)}`)
    return found
  }
}

const Shimmed = z.object({ program: z.string(), args: z.array(z.string()), input: z.string() })

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** For who looks why a story is red. */
async function keepLog(run: Run): Promise<void> {
  const lines = run.log.map(entry => `${JSON.stringify(entry)}\n`)
  await writeFile(join(runsFolder, run.id, 'session.ndjson'), lines.join(''))
}

function tearDown(sandbox: Sandbox, { teardown }: Workflow): void {
  if (teardown === 0) sandbox.kill()
  else sleep(teardown).then(() => sandbox.kill())
}

/** The workflow looks after its sandbox; the agent-server itself can't tell of this. */
async function noticeDeath(run: Run, sandbox: Sandbox): Promise<void> {
  await sandbox.exited
  if (run.terminal) return
  await pause(noticesDeath, run.life.signal)
  run.stopShort('sandbox_gone')
}

/** So long after the last event a run ends by itself. */
function endWhenIdle(run: Run, ms: number): void {
  let timer: NodeJS.Timeout | undefined
  const again = () => {
    clearTimeout(timer)
    if (run.terminal) run.listeners.delete(again)
    else timer = setTimeout(() => run.finish('completed'), timerMs(ms)).unref()
  }
  run.listeners.add(again)
  again()
}
