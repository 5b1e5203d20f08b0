/** The running emulator, as tests, chaos runs and the demo hold it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Armed } from '../armed.ts'
import type { AgentHands } from '../posthog/hands.ts'
import { agentHands } from './agent-hands.ts'
import type { AttachmentShelf } from './attachments.ts'
import { checkRunsOf } from './check-rules.ts'
import type { Webhooks } from './deliveries.ts'
import type { FaultRule, Faults } from './faults.ts'
import { type Api, filesOf, must } from './git.ts'
import type { GraphqlSwitch } from './graphql.ts'
import type { Installations } from './installations.ts'
import { numberAt, textAt } from './json.ts'
import type { Layer } from './layer.ts'
import type { Call, Ledger } from './ledger.ts'
import { type PullCheck, threadKey } from './memory.ts'
import { type NewPull, Person } from './people.ts'
import type { Pipeline } from './pipeline.ts'
import { emulateRole, type Tokens } from './roles.ts'
import { type RepositorySeed, ROLE_OF } from './seed.ts'
import { type PullView, Threads, type ThreadView } from './threads.ts'

interface CheckRunView {
  id: number
  name: string
  status: string
  conclusion: string | null
  title: string
  summary: string
}

interface Parts extends Layer {
  appId: number
  slug: string
  privateKey: string
  repositories: string[]
  faults: Faults
  ledger: Ledger
  tokens: Tokens
  pipeline: Pipeline
  graphql: GraphqlSwitch
  attachments: AttachmentShelf
  close(): Promise<void>
}

export class GitHubEmulator {
  readonly url: string
  readonly appId: number
  readonly slug: string
  readonly botLogin: string
  /** PEM, PKCS#1. */
  readonly privateKey: string
  readonly webhooks: Webhooks
  readonly graphql: GraphqlSwitch
  readonly installations: Installations
  /** Files that people drag into a text. */
  readonly attachments: AttachmentShelf
  readonly hands: AgentHands
  /** The default of every method that takes a repository. */
  readonly repository: string
  readonly #parts: Parts
  readonly #threads: Threads

  constructor(parts: Parts) {
    const { url, appId, slug, privateKey, webhooks, graphql, tokens, memory, reactions } = parts
    this.url = url
    this.appId = appId
    this.slug = slug
    this.botLogin = tokens.botLogin
    this.privateKey = privateKey
    this.webhooks = webhooks
    this.graphql = graphql
    this.installations = parts.installations
    this.attachments = parts.attachments
    this.repository = parts.repositories[0] ?? ''
    this.#parts = parts
    this.hands = agentHands(this.#apiOf('posthog[bot]'), () => memory.repositoryNames())
    this.#threads = new Threads({ api: this.#apiOf('olga', true), memory, reactions })
  }

  get installationId(): number {
    return this.installationOf(this.repository.split('/')[0] ?? '')
  }

  installationOf(owner: string): number {
    const id = this.#parts.memory.installations.get(owner)
    if (id === undefined)
      throw new Error(`The App is not installed on ${owner}: name it in a repository at the start`)
    return id
  }

  /** Differs whenever a call has begun or ended. */
  get progress(): string {
    return this.#parts.ledger.progress
  }

  /** Every call by the bot and its App, in order. */
  get calls(): readonly Call[] {
    return this.#parts.ledger.ofTheBot
  }

  /** Those that changed something, also when the bot never saw the answer. */
  get writes(): readonly Call[] {
    return this.calls.filter(call => call.effect)
  }

  forgetCalls(): void {
    this.#parts.ledger.clear()
  }

  fault(rule: FaultRule): Armed<FaultRule> {
    return this.#parts.faults.arm(rule)
  }

  clearFaults(): void {
    this.#parts.faults.clear()
  }

  as(login: string, repository = this.repository): Person {
    return new Person(login, this.#parts.tokens.ofPerson(login), repository, this.#apiOf(login))
  }

  /** What comments on lines of the file show of the diff. */
  showsHunk(path: string, hunk: string): void {
    this.#parts.memory.hunks.set(path, hunk)
  }

  thread(number: number, repository = this.repository): Promise<ThreadView> {
    return this.#threads.thread(repository, number)
  }

  /** All issues and pull requests, oldest first. */
  threads(repository = this.repository) {
    return this.#threads.list(repository)
  }

  pull(number: number, repository = this.repository): Promise<PullView> {
    return this.#threads.pull(repository, number)
  }

  pulls(repository = this.repository): Promise<PullView[]> {
    return this.#threads.pulls(repository)
  }

  branches(repository = this.repository): Promise<string[]> {
    return this.#threads.branches(repository)
  }

  /** What a clone of the branch holds, by path. */
  files(branch: string, repository = this.repository): Promise<Record<string, string>> {
    return filesOf(this.#apiOf('olga', true), repository, branch)
  }

  /** Links a branch to an issue, as somebody does in the Development panel; it may be one of another repository. */
  link(number: number, branch: string, repository = this.repository, of = repository): void {
    const { linkedBranches } = this.#parts.memory
    this.#parts.memory.changed()
    const key = threadKey(repository, number)
    const linked = of === repository ? branch : `${of}:${branch}`
    linkedBranches.set(key, [...(linkedBranches.get(key) ?? []), linked])
  }

  /** What the App's checks say of a commit. */
  checkRuns(repository: string, sha: string): CheckRunView[] {
    return checkRunsOf(this.#parts, sha)
      .filter(run => textAt(run, 'url').includes(`/repos/${repository}/`))
      .map(run => ({
        id: numberAt(run, 'id'),
        name: textAt(run, 'name'),
        status: textAt(run, 'status'),
        conclusion: textAt(run, 'conclusion') || null,
        title: textAt(run, 'output', 'title'),
        summary: textAt(run, 'output', 'summary'),
      }))
  }

  /** Another App, as a workflow's, makes a check that looks like one of the bot's. */
  checkOfOthers(repository: string, sha: string, check: { name: string }): number {
    const { checkRuns } = this.#parts.memory
    const id = 900_000 + checkRuns.size
    const url = `${this.url}/repos/${repository}/check-runs/${id}`
    const output = { title: 'Of a workflow', summary: 'Of a workflow.' }
    checkRuns.set(id, {
      id,
      url,
      head_sha: sha,
      status: 'in_progress',
      output,
      app: { id: 15_368 },
      ...check,
    })
    return id
  }

  /** A merge queue has made a commit of pull requests, and waits for its checks. */
  queuesToMerge(sha: string, repository = this.repository): void {
    const refs = { head_ref: 'refs/heads/gh-readonly-queue/main/pr-1', base_ref: 'refs/heads/main' }
    const extra = { merge_group: { head_sha: sha, ...refs } }
    this.#parts.events.made({
      event: 'merge_group',
      action: 'checks_requested',
      repository,
      sender: 'olga',
      extra,
    })
  }

  /**
   * A check of the newest commit of a pull request ended: `FAILURE`, `SUCCESS`; and with it its suite. One of that name
   * that ended before stays in the list.
   */
  checks(
    number: number,
    name: string,
    conclusion: string,
    repository = this.repository,
    app?: number,
  ): void {
    const { headRef, headSha } = this.#checked(threadKey(repository, number), {
      name,
      conclusion,
      app,
    })
    const suite = { id: 1, status: 'completed', conclusion: conclusion.toLowerCase() }
    const extra = {
      check_suite: {
        ...suite,
        head_branch: headRef,
        head_sha: headSha,
        pull_requests: [{ number }],
      },
    }
    const { events } = this.#parts
    events.made({ event: 'check_suite', action: 'completed', repository, sender: 'olga', extra })
  }

  /** A check of the newest commit runs. */
  beginsCheck(number: number, name: string, repository = this.repository, app?: number): void {
    this.#checked(threadKey(repository, number), { name, conclusion: null, app })
  }

  /** A commit status, as older services set it. */
  status(number: number, context: string, state: string, repository = this.repository): void {
    const status = { name: context, conclusion: state, isStatus: true } as const
    const { headRef, headSha } = this.#checked(threadKey(repository, number), status)
    const extra = {
      id: 1,
      sha: headSha,
      context,
      state: state.toLowerCase(),
      branches: [{ name: headRef }],
    }
    this.#parts.events.made({ event: 'status', repository, sender: 'olga', extra })
  }

  /** A commit has one status of a name. */
  #checked(key: string, check: Omit<PullCheck, 'sha'>) {
    const { checks, pulls } = this.#parts.memory
    const head = pulls.get(key) ?? { headRef: '', headSha: '' }
    const others = (checks.get(key) ?? []).filter(
      ({ name, sha }) => !check.isStatus || name !== check.name || sha !== head.headSha,
    )
    checks.set(key, [...others, { ...check, sha: head.headSha }])
    return head
  }

  /** The base moved, so that the pull request can't be merged. GitHub knows it `foundAt` that look: before it is `UNKNOWN`. */
  conflicts(number: number, repository = this.repository, { foundAt = 1 } = {}): void {
    this.#parts.memory.conflicts.set(threadKey(repository, number), foundAt)
  }

  /** Somebody marks an issue as blocked by others of its repository. */
  block(number: number, by: number[], repository = this.repository): void {
    this.#parts.memory.changed()
    this.#parts.memory.blockers.set(threadKey(repository, number), by)
  }

  /** Requests of the bot that GitHub does not describe, each reported once. Whoever takes them answers for them. */
  takeViolations(): string[] {
    return this.#parts.ledger.takeViolations()
  }

  /**
   * Looks whenever somebody called GitHub, and now and then, until it gives something truthy; a throw counts as not
   * yet. Milliseconds. The limit is for what never comes, also where other work holds the processors.
   */
  async waitFor<T>(
    look: () => Promise<T> | T,
    { timeout = 150_000, every = 20 } = {},
  ): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
    const end = Date.now() + timeout
    let last: unknown = 'nothing'
    let pause = every
    do {
      try {
        const found = await look()
        if (found) return found as Exclude<T, undefined | null | false | 0 | ''>
        last = found
      } catch (error) {
        last = error
      }
      pause = Math.min(pause * 1.5, 300)
      await Promise.race([this.#parts.ledger.next(), sleep(pause)])
      await sleep(every)
    } while (Date.now() < end)
    throw new Error(`Waited ${timeout} ms in vain for ${look}; last: ${last}`, { cause: last })
  }

  /** Resolves when every event so far has been told, or is held. */
  async settled(): Promise<void> {
    await this.#parts.events.settled()
    await this.webhooks.settled()
  }

  /** Its owner is one of acme, globex, initech, or owned a repository at the start. */
  async addRepo(
    owner: string,
    name: string,
    options: Omit<RepositorySeed, 'owner' | 'name'> = {},
  ): Promise<string> {
    this.installationOf(owner)
    const { private: isPrivate = false, empty = false } = options
    const body = { name, private: isPrivate, auto_init: !empty }
    await must(this.#apiOf('olga', true), 'POST', `/orgs/${owner}/repos`, body)
    const repository = `${owner}/${name}`
    await this.#invite(repository)
    return repository
  }

  /** The fork is made when it is missing. */
  async openForkPull(
    pull: Omit<NewPull, 'head'> & {
      by?: string
      head?: string
      files?: Record<string, string>
      repository?: string
    },
  ): Promise<{ number: number; url: string; fork: string }> {
    const {
      by = 'eve',
      head = 'patch-1',
      files = { 'fork.txt': 'from a fork\n' },
      repository = this.repository,
      ...rest
    } = pull
    const fork = `${by}/${repository.split('/')[1]}`
    if (!this.#parts.memory.repository(fork))
      await must(this.#apiOf(by), 'POST', `/repos/${repository}/forks`, {})
    await this.as(by, fork).pushes(head, files)
    return {
      ...(await this.as(by, repository).opensPull({ ...rest, head: `${by}:${head}` })),
      fork,
    }
  }

  /** @throws if the bot asked for anything that GitHub does not describe */
  async close(): Promise<void> {
    await this.#parts.close()
    const violations = this.takeViolations()
    if (violations.length > 0)
      throw new Error(`GitHub knows no such request:\n${violations.join('\n')}`)
  }

  /** Gives everybody their role and the layer its knowledge of the repositories. */
  async prepare(): Promise<void> {
    for (const repository of this.#parts.repositories) {
      const found = await must(this.#admin, 'GET', `/repos/${repository}`)
      const { id, private: isPrivate } = found as { id: number; private: boolean }
      this.#parts.memory.know({ fullName: repository, id, private: isPrivate, archived: false })
      await must(this.#apiOf('olga', true), 'GET', `/repos/${repository}`)
      await this.#invite(repository)
    }
  }

  async #invite(repository: string): Promise<void> {
    for (const [login, role] of Object.entries(ROLE_OF)) {
      const path = `/repos/${repository}/collaborators/${login}`
      if (login !== 'olga') await must(this.#admin, 'PUT', path, { permission: emulateRole[role] })
    }
  }

  readonly #admin: Api = (method, path, body) => this.#parts.upstream.asAdmin(method, path, body)

  /** Through the same door as everybody, without the socket. */
  #apiOf(login: string, quiet = false): Api {
    const authorization = `token ${this.#parts.tokens.ofPerson(login)}`
    return async (method, path, body) => {
      const raw = Buffer.from(body === undefined ? '' : JSON.stringify(body))
      const outcome = await this.#parts.pipeline.handle({
        method,
        url: path,
        headers: { authorization },
        raw,
        quiet,
      })
      if (outcome.kind === 'answer') return outcome.answer
      throw new Error(`GitHub emulator: ${method} ${path} was cut off by a fault`)
    }
  }
}
