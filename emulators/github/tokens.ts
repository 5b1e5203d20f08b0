/** Whose token it is. People have fixed tokens; those of the App are remembered as they are minted. */

export type Actor =
  | { kind: 'anonymous'; login: string }
  | { kind: 'person'; login: string }
  | { kind: 'app'; login: string }
  | { kind: 'bot'; login: string; owner: string; permissions: Record<string, string> }

interface Minted {
  owner: string
  permissions: Record<string, string>
  expiresAt: number
}

export class Tokens {
  readonly #slug: string
  readonly #people: ReadonlySet<string>
  readonly #minted = new Map<string, Minted>()

  constructor(slug: string, people: readonly string[]) {
    this.#slug = slug
    this.#people = new Set(people)
  }

  get botLogin(): string {
    return `${this.#slug}[bot]`
  }

  ofPerson(login: string): string {
    if (!this.#people.has(login))
      throw new Error(`Nobody called ${login} here; known: ${[...this.#people].join(', ')}`)
    return `token-of-${login}`
  }

  remember(token: string, minted: Minted): void {
    this.#minted.set(token, minted)
  }

  /** Every installation token minted so far stops working, as after an hour. */
  expire(): void {
    for (const minted of this.#minted.values()) minted.expiresAt = 0
  }

  /** Undefined: a token, but nobody's. */
  whoIs(authorization: string | undefined): Actor | undefined {
    const token = authorization?.replace(/^(bearer|token)\s+/i, '').trim()
    if (!token) return { kind: 'anonymous', login: '' }
    if (token.startsWith('eyJ')) return { kind: 'app', login: this.#slug }
    const minted = this.#minted.get(token)
    if (minted) return this.#bot(minted)
    const login = token.replace(/^token-of-/, '')
    return login !== token && this.#people.has(login) ? { kind: 'person', login } : undefined
  }

  #bot(minted: Minted): Actor | undefined {
    if (minted.expiresAt <= Date.now()) return undefined
    return { kind: 'bot', login: this.botLogin, owner: minted.owner, permissions: minted.permissions }
  }
}

export function mayWrite(actor: Actor, ...permissions: string[]): boolean {
  return actor.kind === 'bot' && permissions.some(name => actor.permissions[name] === 'write')
}
