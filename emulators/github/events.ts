/**
 * From what happens to what the App is told. emulate's own events pass through here to be repaired; those it
 * forgets are made here. One after the other, so that they leave in the order in which they came.
 */

import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Webhooks } from './deliveries.ts'
import type { Installations } from './installations.ts'
import { isObject, type JsonObject, objectAt, textAt } from './json.ts'
import { type Memory, repositoryOfUrl } from './memory.ts'
import { isPull, pullAsIssue, type Repairs } from './repairs.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  url: string
  memory: Memory
  installations: Installations
  repairs: Repairs
  subscribed: readonly string[]
  upstream: Upstream
  webhooks: Webhooks
}

interface Made {
  event: string
  action?: string
  repository: string
  /** Login. */
  sender: string
  extra: JsonObject
}

/** Lets emulate's own event of the same action come first: an issue is opened before it is labelled. */
const HEAD_START_MS = 15

/**
 * Of the event loop, and more than emulate needs to hand an event over: on a busy machine a few of them take longer than
 * any time that could be waited.
 */
const TURNS = 50

export class Events {
  readonly #parts: Parts
  readonly #waiting = new Set<Promise<void>>()
  #last: Promise<void> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  received(event: string, payload: unknown): void {
    // emulate calls every change of a repository `edited`.
    if (isObject(payload) && event !== 'repository') this.#next(() => this.#deliver(event, payload))
  }

  made(made: Made): void {
    const { subscribed } = this.#parts
    if (!subscribed.includes(made.event) && !subscribed.includes('*')) return
    const waiting = sleep(HEAD_START_MS).then(() => {
      this.#waiting.delete(waiting)
      this.#next(() => this.#build(made))
    })
    this.#waiting.add(waiting)
  }

  async settled(): Promise<void> {
    await sleep(2 * HEAD_START_MS)
    for (let turns = 0; turns < TURNS; turns++) await turn()
    await Promise.all(this.#waiting)
    await this.#last
  }

  #next(work: () => Promise<void>): void {
    this.#last = this.#last
      .then(work)
      .catch(error => console.error('GitHub emulator: lost an event', error))
  }

  async #build({ event, action, repository, sender, extra }: Made): Promise<void> {
    const { upstream, memory } = this.#parts
    const installation = memory.installations.get(repository.split('/')[0] ?? '')
    if (installation === undefined) return
    await this.#deliver(event, {
      ...(action && { action }),
      ...extra,
      repository: extra.repository ?? (await upstream.read(`/repos/${repository}`)),
      sender: await upstream.read(`/users/${encodeURIComponent(sender)}`),
      installation: { id: installation, node_id: `MDg${installation}` },
    })
  }

  async #deliver(event: string, payload: JsonObject): Promise<void> {
    const { repairs, webhooks } = this.#parts
    const name = await this.#repair(event, payload)
    await repairs.apply(payload)
    if (this.#parts.installations.includes(textAt(payload, 'repository', 'full_name')))
      webhooks.enqueue(name, payload)
  }

  /** Returns the event's true name: emulate labels pull requests under `issues`. */
  async #repair(event: string, payload: JsonObject): Promise<string> {
    const issue = objectAt(payload, 'issue')
    const isLabelledPull = event === 'issues' && isPull(issue)
    if (isLabelledPull) {
      payload.pull_request = issue
      delete payload.issue
    }
    if (event === 'issue_comment') await this.#repairThread(payload, issue)
    const owner = objectAt(payload, 'repository', 'owner')
    if (owner.type === 'Organization') payload.organization ??= { ...owner }
    const pull = objectAt(payload, 'pull_request')
    if (isLabelledPull || event === 'pull_request') payload.number = pull.number
    await this.#repairLabel(payload)
    repairReview(payload)
    if (payload.action === 'edited') this.#repairChanges(payload)
    return isLabelledPull ? 'pull_request' : event
  }

  /** emulate's copy of a pull request's issue knows neither its labels' changes nor whether it is a draft. */
  async #repairThread(payload: JsonObject, issue: JsonObject): Promise<void> {
    const { memory, upstream, url } = this.#parts
    const repository = repositoryOfUrl(textAt(issue, 'url'))
    if (!memory.pulls.has(`${repository}#${issue.number}`)) return
    const pull = await upstream.read(`/repos/${repository}/pulls/${issue.number}`)
    if (pull) payload.issue = pullAsIssue(pull, url, Number(issue.comments))
  }

  async #repairLabel(payload: JsonObject): Promise<void> {
    const name = textAt(payload, 'label', 'name')
    if (!name) return
    const repository = textAt(payload, 'repository', 'full_name')
    const label = await this.#parts.upstream.read(
      `/repos/${repository}/labels/${encodeURIComponent(name)}`,
    )
    if (label) payload.label = label
  }

  #repairChanges(payload: JsonObject): void {
    if ('base' in objectAt(payload, 'changes')) return
    const edited = [payload.comment, payload.issue, payload.pull_request, payload.review].find(
      isObject,
    )
    const before = this.#parts.memory.takeBefore(textAt(edited, 'node_id'))
    if (!before || !edited) return
    const changed = Object.entries(before).filter(([field, from]) => (edited[field] ?? '') !== from)
    payload.changes = Object.fromEntries(changed.map(([field, from]) => [field, { from }]))
  }
}

/** In webhooks, unlike in the API, states are lower case and an empty body is null. */
function repairReview(payload: JsonObject): void {
  const { review } = payload
  if (!isObject(review)) return
  review.state = textAt(review, 'state').toLowerCase()
  review.body = textAt(review, 'body') || null
}
