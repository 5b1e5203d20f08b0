/**
 * The bot without its edges: the real door, `acceptTrigger` and `advanceRun`, on queues and services that are
 * plain data. Time passes only as far as the next job wants it to.
 */
import { createHmac } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { cpuUsage } from 'node:process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SettingsReader } from '../../src/access/read-settings.ts'
import { costsWithin } from '../../src/access/strangers.ts'
import { acceptTrigger } from '../../src/commands/accept-trigger.ts'
import type { TriggerDeps } from '../../src/commands/command-context.ts'
import { stopsOf, waitsStill } from '../../src/commands/stops.ts'
import {
  isOfThread,
  requeued,
  TriggerRecord,
  triggerIndex,
  triggerRecord,
} from '../../src/commands/trigger-record.ts'
import { messagesIn } from '../../src/core/agent/prompt.ts'
import { callBudget, inMemory } from '../../src/core/model/call-budget.ts'
import type { CodexTaskRunCreate } from '../../src/core/model/codex-task-run-create.ts'
import type { Role } from '../../src/core/model/command-grammar.ts'
import { NoResponse, Rejected } from '../../src/core/model/errors.ts'
import type { GitHubCall, Log, TasksClient } from '../../src/core/model/ports.ts'
import type { TaskRunSnapshot } from '../../src/core/model/task-run.ts'
import { threadSlot } from '../../src/core/model/thread.ts'
import type { InlineComment, Trigger } from '../../src/core/model/trigger.ts'
import type {
  Closer,
  CommentView,
  HeadView,
  PullView,
  SandboxView,
} from '../../src/core/model/views.ts'
import { aroundMarkers, markerSigner } from '../../src/core/record/marker.ts'
import { Run } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { usualTrigger } from '../../src/core/settings/deployment-settings.ts'
import { madeIn } from '../../src/core/text/newest-map.ts'
import { redactor } from '../../src/core/text/redact.ts'
import { changedPage, minimizedPage } from '../../src/core/text/seen-page.ts'
import { probotVerifier } from '../../src/github/webhooks/probot.ts'
import { receiver } from '../../src/github/webhooks/receive.ts'
import { webhookEndpoint } from '../../src/github/webhooks/webhook-endpoint.ts'
import { newsHandlers } from '../../src/news/pull-news.ts'
import { advanceRun } from '../../src/runs/advance-run.ts'
import { quietDeps } from '../commands/command-world.ts'
import { deployment, pullView, t0 } from '../core/given.ts'
import { clientOf, type GitHubCalls } from '../support/client-of.ts'
import { deploymentWith } from '../support/deployment.ts'
import { fakeLogOf } from '../support/fake-log.ts'
import { isAsked, shownIn } from '../support/pages.ts'
import { MemoryQueue } from './memory-queue.ts'

/** ms of the whole process, with its threads. */
function processorTime(): number {
  const { user, system } = cpuUsage()
  return (user + system) / 1_000
}

export interface MemoryBotOptions {
  secrets?: readonly string[]
  /** By login; whoever is missing is unknown to GitHub, and `undefined` gets no answer. */
  roles: Record<string, Role | undefined>
  /** `.github/codex.yml` */
  settings?: string
  /** What it was before, newest first. */
  history?: readonly string[]
  /** `SETTINGS_FILE` */
  grants?: string
  ownerFile?: string
  /** PostHog's sandbox environments. */
  sandboxes?: readonly SandboxView[]
  /** What the agent says at the end of each turn, and what it leaves behind. */
  agent?: { says?: string; opens?: boolean; pushes?: boolean; fails?: boolean; goesOn?: boolean }
  /** What was said in the thread before. */
  before?: readonly CommentView[]
  /** The inline comments of a review. */
  inline?: readonly InlineComment[] | 'unreadable'
  /** The comment on a line that another one answers. */
  answered?: NonNullable<InlineComment['parent']> & { changedAt?: number }
  /** Texts of comments that somebody hid. */
  hidden?: readonly string[]
  /** What GitHub does not answer the first time. */
  unanswered?: GitHubCall
  /** Heads of branches beside `main`. */
  branches?: Readonly<Record<string, string>>
  /** The deployment's own, for runs as its user. */
  userToken?: string
  /** Whether to note how long jobs and deliveries take, which costs as much as they do. */
  isTimed?: boolean
}

const usual = (): MemoryBotOptions => ({
  roles: {
    maya: 'write',
    zoe: 'write',
    tess: 'triage',
    rita: 'read',
    eve: 'none',
    ghost: undefined,
  },
  branches: { 'maya/login': 'b'.repeat(40) },
})

const webhookSecret = 'hush-hush-webhook-secret-of-32-letters'
/** Of the one that the agent opens, or the bot. */
const pullUrl = 'https://github.com/acme/shop/pull/20'

interface Posted {
  id: number
  body: string
  createdAt: number
  /** In a thread on a line. */
  onLine?: boolean
}

const nodeIdOf = (id: number) => `IC_${id}`

export const signatureOf = (body: string | Buffer, secret = webhookSecret): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

let receive: (trigger: Trigger) => Promise<'added' | 'known'> = () => Promise.resolve('added')
let noted: (line: string) => void = () => {}

/** Whichever bot was made last gets what comes in. */
let redact = redactor([webhookSecret])
const door = webhookEndpoint({
  log: logInto(line => noted(line)),
  verify: await probotVerifier({ id: 5, privateKey: 'x', secrets: [webhookSecret] }),
  receive: receiver({
    log: logInto(line => noted(line)),
    triggerOf: () => ({ ...usualTrigger, app: 'my-codex' }),
    redact: text => redact(text),
    enqueue: trigger => receive(trigger),
  }),
})

function logInto(write: (line: string) => void): Log {
  return fakeLogOf((fields, message) =>
    write(
      JSON.stringify({ ...fields, message }, (_, value: unknown) =>
        value instanceof Error ? `${value.stack} ${String(value.cause ?? '')}` : value,
      ),
    ),
  )
}

export interface Sent {
  event?: string
  body: string | Buffer
  signature?: string | undefined
  id?: string
}

export class MemoryBot {
  now = t0 + 60_000
  /** How many processes have died with what is in hand, and with nothing else. */
  stalls = 0
  /** When the process connected to its queue, if what is in hand is older. */
  lagsSince: number | undefined
  closers: Closer[] = []
  /** The answer to the next comment is lost. */
  isCommentLost = false
  /** What PostHog answers to whatever would put an agent to work. */
  fault: Error | undefined
  /** The most CPU time that one job or delivery took, in milliseconds, where it is timed; nothing here waits for anything. */
  held = 0
  /** ms of the processor for pages, which a thread of their own reads in the bot. */
  #pageTime = 0
  readonly comments: Posted[] = []
  readonly folded = new Set<string>()
  readonly prompts: string[] = []
  readonly requests: CodexTaskRunCreate[] = []
  readonly tasks: { title: string; description: string }[] = []
  readonly cancelled: string[] = []
  readonly logs: string[] = []
  /** Every record that was ever kept, as JSON. */
  readonly kept: string[] = []
  readonly reactions: string[] = []
  readonly unfolded = () => this.comments.filter(({ id }) => !this.folded.has(nodeIdOf(id)))
  readonly bodies = () => this.comments.map(({ body }) => body)
  readonly asked: string[] = []
  /** When PostHog was asked how a run goes. */
  readonly looks: number[] = []
  /** Every call to GitHub, by the client's name of it. */
  readonly calls: string[] = []
  #atOnce = false
  /** What was read before the answer to a command. */
  #ahead: Posted[] = []
  #posted = 0
  /** How the thread stands, and which comments of people are gone. */
  subject = { open: true, locked: false, labels: ['codex'] }
  readonly deleted = new Set<number>()
  /** The newest commit of the pull request that is looked at, and which ones got a check. */
  head = ''
  readonly checked: string[] = []
  /** Labels that the bot took off. */
  readonly unlabelled: string[] = []
  /** Pull requests that the bot itself opened. */
  readonly opened: { title: string; body: string }[] = []
  readonly made: { branch: string; sha: string }[] = []
  readonly #triggers = new MemoryQueue(this, TriggerRecord.parse, triggerIndex.entries)
  readonly #runs = new MemoryQueue(this, Run.parse, runIndex.entries)
  readonly triggers = this.#triggers.jobs
  readonly runs = this.#runs.jobs
  readonly signer = markerSigner(webhookSecret)
  readonly options: MemoryBotOptions
  readonly #advance: ReturnType<typeof advanceRun>
  readonly #accept: ReturnType<typeof acceptTrigger>
  readonly #settings: SettingsReader
  readonly #redact: (text: string) => string
  readonly #firsts = new Map<string, string>()
  readonly #agents = new Map<
    string,
    {
      looks: number
      turns: number
      log: TaskRunSnapshot['log']
      cancelled: boolean
      prompt: string
    }
  >()
  readonly pulls: PullView[] = []

  constructor(given: Partial<MemoryBotOptions> = {}) {
    const options = { ...usual(), ...given }
    this.options = options
    const known = redactor([webhookSecret, ...(options.secrets ?? [])])
    this.#redact = text => aroundMarkers(text, known)
    redact = known
    noted = line => this.logs.push(this.#redact(line))
    receive = trigger => this.#add(triggerRecord(trigger))
    this.#settings = deploymentWith(options.grants, undefined, { ownerFile: options.ownerFile })
    const triggers: TriggerDeps = {
      ...this.#shared,
      settings: this.#settings,
      examine: async () => [],
      schemaAddress: async () => undefined,
      mayWorkIn: async () => false,
      wordsOf: () => this.#shared,
      runs: this.#runs,
      waiting: this.#triggers,
      defaults: { model: 'gpt-5.5', effort: undefined },
    }
    this.#accept = acceptTrigger(triggers, newsHandlers)
    this.#advance = advanceRun({
      ...quietDeps(),
      ...this.#shared,
      settings: this.#settings,
      liveRuns: async () => this.#runs.live().length,
      index: this.#runs,
      wakeFirst: async lines => {
        const first = await this.#runs.members(lines, { kind: 'first', count: 1 })
        for (const { id } of first.flat()) await this.#runs.wake(id)
      },
      wakeCommands: async thread => this.#wakeCommands(thread),
      userToken: options.userToken,
      removeLater: async () => {},
      requeue: async ({ trigger, command }) => {
        const kept = this.triggers.get(trigger)
        if (kept) await this.#add(requeued(kept.data, command))
      },
      stops: stopsOf(this.#triggers),
      waitsStill: waitsStill(this.#triggers),
      fence: () => crypto.randomUUID().replaceAll('-', '').slice(0, 16),
    })
  }

  /** Through the door, as GitHub sends it. @returns the status of the answer */
  async deliver({
    event = 'issue_comment',
    body,
    signature = signatureOf(body),
    id,
  }: Sent): Promise<number> {
    const request = new IncomingMessage(new Socket())
    request.headers = {
      'x-github-event': event,
      'x-github-delivery': id ?? `delivery-${this.kept.length}`,
      'x-hub-signature-256': signature,
    }
    request.push(body)
    request.push(null)
    const response = new ServerResponse(request)
    await this.#timed(() => door(request, response))
    return response.statusCode
  }

  async #add(record: TriggerRecord): Promise<'added' | 'known'> {
    const { outcome } = await this.#triggers.add(record.trigger.id, record)
    return outcome === 'added' ? 'added' : 'known'
  }

  #own = () => this.comments.map(comment => ({ ...comment, nodeId: nodeIdOf(comment.id) }))

  /** Works until nothing is left to do. @throws what a job throws, and an error when there is no end */
  async settle(): Promise<void> {
    if (!(await this.work(3_000))) throw new Error('it does not end')
  }

  /** Takes up all that wait, as a process does that has many workers, while GitHub takes its time. */
  async settleAtOnce(): Promise<void> {
    await this.workAtOnce()
    await this.settle()
  }

  async workAtOnce(): Promise<void> {
    this.#atOnce = true
    await Promise.all(
      this.#triggers.live().map(trigger => this.#triggers.work(trigger, this.#accept)),
    )
    this.#atOnce = false
  }

  /** Works so many steps, as long as there is something to do by then. @returns whether nothing is left */
  async work(most: number, until = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (let step = 0; step < most; step += 1) {
      const [triggers, runs] = [this.#triggers.live(), this.#runs.live()]
      const due = Math.min(...[...triggers, ...runs].map(job => job.due))
      if (due === Number.POSITIVE_INFINITY) return true
      if (due > until) return false
      this.now = Math.max(this.now, due) + 10
      const trigger = triggers.find(job => job.due === due)
      const run = runs.find(job => job.due === due)
      if (trigger) await this.#timed(() => this.#triggers.work(trigger, this.#accept))
      else if (run) {
        await this.#timed(() => this.#runs.work(run, this.#advance))
        if (run.standing === 'ended') this.#wakeCommands(run.data.thread)
      }
    }
    return false
  }

  async #timed<T>(work: () => Promise<T>): Promise<T> {
    if (!this.options.isTimed) return work()
    const began = processorTime()
    const readBefore = this.#pageTime
    try {
      return await work()
    } finally {
      const elsewhere = this.#pageTime - readBefore
      this.held = Math.max(this.held, Math.round(processorTime() - began - elsewhere))
    }
  }

  async #pagesOf(texts: Parameters<typeof shownIn>[0]): ReturnType<typeof shownIn> {
    const began = processorTime()
    const pages = await shownIn(texts)
    this.#pageTime += processorTime() - began
    return pages
  }

  #wakeCommands(thread: Run['thread']): void {
    const slot = threadSlot(thread)
    for (const { id, data } of this.triggers.values())
      if (isOfThread(data) && threadSlot(data.trigger.thread) === slot) void this.#triggers.wake(id)
  }

  /* The services, as their edges give them: what is written there goes without secrets. */

  readonly #github: Partial<GitHubCalls> = {
    'thread.react': async (_, content) => void this.reactions.push(content),
    'people.permission': async login => {
      this.asked.push(`permission ${login}`)
      if (!Object.hasOwn(this.options.roles, login))
        throw new Rejected('github', 404, '', 'Not Found', undefined, 'read')
      const role = this.options.roles[login]
      if (role === undefined) throw new NoResponse('github', 'GitHub answered 502')
      return { role, name: role }
    },
    'people.isInTeam': async () => false,
    'thread.closing': async () => undefined,
    'issue.merges': async () => [],
    'branches.default': async () => 'main',
    'pulls.needs': async () => undefined,
    'issue.closers': async () => this.closers,
    'checks.report': async sha => void this.checked.push(sha),
    'pulls.approvals': async () => ({ sha: this.head, body: '', author: 'eve', by: [] }),
    'pulls.hasCommitOf': async () => false,
    'issue.blockers': async () => [],
    'pulls.open': async () => [],
    'thread.state': async () => ({ ...this.subject }),
    'comments.find': async ({ in: where, commentId }) => {
      const { answered } = this.options
      if (where === 'inline' && answered) return answered
      return this.deleted.has(commentId) ? undefined : { author: 'maya', body: '', nodeId: '' }
    },
    'reviews.text': async id => (this.deleted.has(id) ? undefined : ''),
    'labels.remove': async name => void this.unlabelled.push(name),
    'files.text': async (_, commit) =>
      commit === undefined ? this.options.settings : this.options.history?.[Number(commit) - 1],
    'pulls.files': async () => [],
    'files.names': async () => [],
    'files.commits': async () =>
      [this.options.settings, ...(this.options.history ?? [])].map((_, n) => String(n)),
    'comments.ofOthers': async () =>
      (this.options.before ?? []).map(comment => ({
        ...comment,
        body: this.#redact(comment.body),
      })),
    'pages.shown': async texts =>
      (await this.#pagesOf(texts)).map((page, at) => {
        const { text = '', mayBeMinimized, asked = Number.POSITIVE_INFINITY } = texts[at] ?? {}
        const { answered, hidden } = this.options
        if (text === answered?.body && (answered.changedAt ?? 0) >= asked) return changedPage
        return mayBeMinimized && hidden?.includes(text) ? minimizedPage : page
      }),
    'reviews.comments': async () => {
      const { inline = [] } = this.options
      if (inline === 'unreadable') throw new Rejected('github', 404, '', 'Not Found')
      return inline.map(comment => ({
        ...comment,
        path: this.#redact(comment.path),
        hunk: this.#redact(comment.hunk),
        body: this.#redact(comment.body),
      }))
    },
    'comments.own': async (since = 0, place) =>
      this.#own().filter(
        ({ createdAt, onLine = false }) =>
          createdAt >= since && onLine === (place?.kind === 'inline'),
      ),
    'comments.post': async (body, place) => {
      const id = 900 + this.#posted
      this.#posted += 1
      const onLine = place?.kind === 'inline'
      this.comments.push({ id, body: this.#redact(body), createdAt: this.now, onLine })
      if (this.isCommentLost) {
        this.isCommentLost = false
        throw new NoResponse('github', 'GitHub answered 502')
      }
      return { id, nodeId: `IC_${id}` }
    },
    'comments.edit': async (id, body) => {
      const found = this.comments.find(comment => comment.id === id)
      if (found) found.body = this.#redact(body)
      return found ? { nodeId: nodeIdOf(id) } : 'gone'
    },
    'branches.find': async name => this.#head(name)[0],
    'branches.heads': async names => names.flatMap(name => this.#head(name)),
    'branches.ofIssue': async () => ({
      linked: [],
      ours: [],
      base: { name: 'main', sha: 'a'.repeat(40) },
      ids: undefined,
    }),
    'branches.create': async (branch, sha) => {
      this.made.push({ branch, sha })
      return { linked: false }
    },
    'branches.delete': async () => {},
    'comments.attachments': () => () =>
      Promise.reject(new Rejected('github', 404, '', 'Not Found')),
    'pulls.find': async number => this.pulls.find(pull => pull.number === number),
    'commits.compare': async (_, sha) => ({
      isDescendant: true,
      paths: [],
      commits: [{ sha, byPerson: false, app: 'posthog[bot]' }],
    }),
    'commits.isMerged': async () => false,
    'pulls.from': async head => this.pulls.filter(pull => pull.head === head),
    'branches.use': async name => ({ sha: this.#shaOf(name), isUsed: false, repository: 'R_1' }),
    'thread.prefetched': () => undefined,
    'thread.readAhead': async () => {
      this.#ahead = this.#own()
    },
    'comments.earlier': async () => this.#ahead,
    'thread.settle': async ({ pull, status, reaction, fold }) => {
      if (fold !== undefined) this.folded.add(fold)
      if (pull?.assign !== undefined) this.asked.push(`assign ${pull.assign}`)
      if (pull?.review !== undefined) this.asked.push(`review ${pull.review}`)
      if (reaction) this.reactions.push(reaction.content ?? 'none')
      const found = this.pulls.find(({ number }) => number === pull?.number)
      if (!found) return { refused: [] }
      found.body = this.#redact(pull?.change?.body ?? found.body)
      return { pull: found, refused: status ? ['status'] : [] }
    },
    'pulls.create': async ({ head, base, title, body }) => {
      this.opened.push({ title, body: this.#redact(body) })
      const view = pullView({
        number: 20,
        url: pullUrl,
        title,
        body: this.#redact(body),
        createdAt: this.now,
        head,
        sha: 'd'.repeat(40),
        base,
        author: { login: 'codex[bot]', bot: true },
      })
      this.pulls.push(view)
      return view
    },
  }

  readonly #counted = new Proxy(this.#github, {
    get: (client, name) => {
      const method: unknown = Reflect.get(client, name)
      if (typeof method !== 'function' || name === 'thread.prefetched') return method
      return (...given: unknown[]) => {
        if (
          name !== 'pages.shown' ||
          isAsked(given[0] as Parameters<GitHubCalls['pages.shown']>[0])
        )
          this.calls.push(String(name))
        const isFirst = this.calls.indexOf(String(name)) === this.calls.length - 1
        const answer =
          isFirst && name === this.options.unanswered
            ? () => Promise.reject(new NoResponse('github', 'GitHub answered 502'))
            : () => Reflect.apply(method, client, given)
        return this.#atOnce ? nextTurn().then(answer) : answer()
      }
    },
  })

  /** A branch that we made, and that the agent may have pushed to. */
  #head(name: string): HeadView[] {
    const sha =
      name === 'main' ? 'a'.repeat(40) : (this.options.branches?.[name] ?? this.#shaOf(name))
    return sha === undefined ? [] : [{ name, sha, at: 0 }]
  }

  #shaOf(name: string): string | undefined {
    const made = this.made.find(({ branch }) => branch === name)
    const turns = [...this.#agents.values()].some(agent => agent.turns > 0)
    return made && this.options.agent?.pushes && turns ? 'd'.repeat(40) : made?.sha
  }

  readonly #posthog: Partial<TasksClient> = {
    models: async () => ['gpt-5', 'gpt-5.5'].map(name => ({ name, efforts: undefined })),
    sandboxes: async () => [...(this.options.sandboxes ?? [])],
    integrationFor: async () => undefined,
    createTask: async ({ title, description }) => {
      this.tasks.push({ title: this.#redact(title), description: this.#redact(description) })
      return `task-${this.tasks.length}`
    },
    findTask: async () => undefined,
    runIds: async () => [],
    startRun: async (_, body) => {
      if (this.fault) throw this.fault
      this.requests.push(body)
      this.prompts.push(this.#redact(body.pending_user_message ?? ''))
      const id = crypto.randomUUID()
      this.#agents.set(id, {
        looks: 0,
        turns: 0,
        log: [],
        cancelled: false,
        prompt: body.pending_user_message ?? '',
      })
      return id
    },
    statusOf: async ({ taskRunId }) => this.#status(taskRunId),
    logLength: async ({ taskRunId }) => this.#agents.get(taskRunId)?.log.length ?? 0,
    poll: async ({ taskRunId }, offset) => {
      this.looks.push(this.now)
      return this.#look(taskRunId, offset)
    },
    sendMessage: async ({ taskRunId }, { text }) => {
      if (this.fault) throw this.fault
      const agent = this.#agents.get(taskRunId)
      if (!agent || this.#status(taskRunId) !== 'in_progress') return 'ended'
      this.prompts.push(this.#redact(text))
      agent.looks = 0
      agent.prompt += `\n\n${text}`
      return 'queued'
    },
    cancel: async ({ taskRunId }) => {
      const agent = this.#agents.get(taskRunId)
      if (agent) agent.cancelled = true
      this.cancelled.push(taskRunId)
    },
    cost: async () => 0.42,
  }

  #status(taskRunId: string): TaskRunSnapshot['status'] {
    const agent = this.#agents.get(taskRunId)
    if (!agent) throw new Rejected('posthog', 404, 'not_found', 'Not found.')
    if (agent.cancelled) return 'cancelled'
    return this.options.agent?.fails && agent.turns > 0 ? 'failed' : 'in_progress'
  }

  /** The agent ends a turn at the third look. */
  #look(taskRunId: string, offset: number): TaskRunSnapshot {
    const agent = this.#agents.get(taskRunId)
    const { says = 'Done.', opens, fails } = this.options.agent ?? {}
    if (agent && !agent.cancelled) {
      agent.looks += 1
      if (agent.looks === 2) this.#turn(agent, this.#redact(says), opens === true)
    }
    const log = agent?.log.slice(offset) ?? []
    return {
      status: this.#status(taskRunId),
      error: fails && agent?.turns ? this.#redact(`agent_error: ${says}`).slice(0, 500) : undefined,
      pulls:
        opens && agent?.turns
          ? [pullUrl, 'https://github.com/evil/shop/pull/1', this.#redact(says)]
          : [],
      headBranch: undefined,
      model: undefined,
      effort: undefined,
      authorship: undefined,
      summary: 'The test waits, thanks to @sam.',
      updatedAt: this.now,
      log,
      offset: offset + log.length,
    }
  }

  #turn(
    agent: { turns: number; log: TaskRunSnapshot['log']; prompt: string },
    text: string,
    opens: boolean,
  ): void {
    agent.turns += 1
    const id = String(agent.turns)
    const messages = messagesIn(agent.prompt)
    agent.prompt = ''
    agent.log.push({ at: this.now, what: { kind: 'prompt', id, messages } })
    if (this.options.agent?.goesOn) return
    agent.log.push(
      { at: this.now, what: { kind: 'message', text } },
      ...(this.options.agent?.fails
        ? []
        : [{ at: this.now, what: { kind: 'answer' as const, id, stopReason: 'end_turn' } }]),
    )
    if (opens && !this.pulls.some(({ number }) => number === 20))
      this.pulls.push(
        pullView({
          number: 20,
          url: pullUrl,
          title: text.slice(0, 200),
          body: text,
          createdAt: this.now,
        }),
      )
  }

  readonly #shared = {
    tenant: 'the only one',
    isFirst: async (name: string, by: string) => madeIn(this.#firsts, name, () => by) === by,
    mayCost: costsWithin((_, allowance) =>
      callBudget(
        allowance,
        inMemory(() => this.now),
      ),
    ),
    // The fakes have what the flows call; a call of anything else is a fault that the fuzz reports.
    github: () => clientOf(this.#counted),
    posthog: this.#posthog as TasksClient,
    signer: this.signer,
    triggerOf: () => usualTrigger,
    deployment,
    log: logInto(line => this.logs.push(this.#redact(line))),
    now: () => this.now,
  }
}
