/** Every call, in order: what the tests take for the truth about what the bot did. */

import type { ApiRequest } from './http.ts'

export interface Call {
  method: string
  path: string
  query: string
  /** ISO time with milliseconds. */
  at: string
  actor: string
  actorKind: ApiRequest['actor']['kind']
  /** Of the installation whose token it came with. */
  owner: string | undefined
  body: unknown
  /** What the caller saw. `pending` while under way. */
  status: number | 'reset' | 'hung' | 'pending'
  /** ms since the epoch, once it was answered. */
  endedAt?: number
  /** Something changed on GitHub, whatever the caller saw. */
  effect: boolean
}

export class Ledger {
  readonly #calls: Call[] = []
  #violations: string[] = []
  #waiting: (() => void)[] = []

  begin({ method, path, query, actor, body }: ApiRequest): Call {
    const at = new Date().toISOString()
    const { login, kind: actorKind } = actor
    const owner = actor.kind === 'bot' ? actor.owner : undefined
    const call: Call = {
      method,
      path,
      query: query.toString(),
      at,
      actor: login,
      actorKind,
      owner,
      body,
      status: 'pending',
      effect: false,
    }
    this.#calls.push(call)
    return call
  }

  ended(call: Call, status: Call['status']): void {
    call.status = status
    call.endedAt = Date.now()
    for (const tell of this.#waiting.splice(0)) tell()
  }

  /** Resolves when the next call has been answered. */
  next(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  get progress(): string {
    return `${this.#calls.length} ${this.#calls.filter(({ status }) => status === 'pending').length}`
  }

  /** The App's bot, and the App itself. */
  get ofTheBot(): readonly Call[] {
    return this.#calls.filter(({ actorKind }) => actorKind === 'bot' || actorKind === 'app')
  }

  clear(): void {
    this.#calls.length = 0
  }

  /** A request that GitHub does not describe: a mistake of whoever sent it, whatever the answer. */
  violated({ method, path }: Pick<ApiRequest, 'method' | 'path'>, what: string): void {
    this.#violations.push(`${method} ${path}: ${what}`)
  }

  takeViolations(): string[] {
    const taken = this.#violations
    this.#violations = []
    return taken
  }
}
