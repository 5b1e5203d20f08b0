/** Who may do what, by GitHub's words. emulate says `push` where GitHub says `write`, and lets everybody write. */
import { type Actor, type Answer, type ApiRequest, answer, notFound } from './http.ts'
import { textAt } from './json.ts'
import type { At, Layer, Rule } from './layer.ts'

const ROLES = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const
type Role = (typeof ROLES)[number]

/** What emulate's collaborators route calls a role. */
export const emulateRole: Record<Exclude<Role, 'none'>, string> = {
  read: 'pull',
  triage: 'triage',
  write: 'push',
  maintain: 'maintain',
  admin: 'admin',
}

/** The legacy `permission` field knows four words only. */
const legacy: Record<Role, string> = {
  none: 'none',
  read: 'read',
  triage: 'read',
  write: 'write',
  maintain: 'write',
  admin: 'admin',
}

const rank = (role: Role): number => ROLES.indexOf(role)

const isRole = (value: string): value is Role => (ROLES as readonly string[]).includes(value)

/** Undefined: no such user. */
export async function roleOf(
  { upstream, memory }: Pick<Layer, 'upstream' | 'memory'>,
  repository: string,
  login: string,
): Promise<Role | undefined> {
  const user = encodeURIComponent(login)
  const collaborator = await upstream.read(`/repos/${repository}/collaborators/${user}/permission`)
  const role = textAt(collaborator, 'role_name')
  if (isRole(role)) return role
  if (!(await upstream.read(`/users/${user}`))) return undefined
  return memory.repository(repository)?.private ? 'none' : 'read'
}

export async function mayAtLeast(
  layer: Layer,
  repository: string,
  login: string,
  role: Role,
): Promise<boolean> {
  return rank((await roleOf(layer, repository, login)) ?? 'none') >= rank(role)
}

async function permission(
  layer: Layer,
  _request: ApiRequest,
  { repository, login: encoded = '' }: At,
): Promise<Answer> {
  const login = decodeURIComponent(encoded)
  const role = await roleOf(layer, repository, login)
  const user = await layer.upstream.read(`/users/${encodeURIComponent(login)}`)
  if (!role || !user) return notFound()
  const permissions = {
    pull: rank(role) >= rank('read'),
    triage: rank(role) >= rank('triage'),
    push: rank(role) >= rank('write'),
    maintain: rank(role) >= rank('maintain'),
    admin: role === 'admin',
  }
  return answer(200, {
    permission: legacy[role],
    role_name: role,
    user: { ...user, permissions, role_name: role },
  })
}

export const roleRules: Rule[] = [['GET', '/collaborators/:login/permission', permission]]

interface Minted {
  owner: string
  permissions: Record<string, string>
  expiresAt: number
}

interface Given {
  login: string
  expiresAt: number
}

export class Tokens {
  readonly #slug: string
  readonly #people: ReadonlySet<string>
  readonly #minted = new Map<string, Minted>()
  readonly #given = new Map<string, Given>()

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

  give(token: string, given: Given): void {
    this.#given.set(token, given)
  }

  revoke(token: string): boolean {
    return this.#given.delete(token)
  }

  /** Undefined: a token, but nobody's. */
  whoIs(authorization: string | undefined): Actor | undefined {
    const token = authorization?.replace(/^(bearer|token)\s+/i, '').trim()
    if (!token || /^basic\s/i.test(token)) return { kind: 'anonymous', login: '' }
    if (token.startsWith('eyJ')) return { kind: 'app', login: this.#slug }
    const minted = this.#minted.get(token)
    if (minted) return this.#bot(minted)
    const given = this.#given.get(token)
    if (given && given.expiresAt > Date.now())
      return { kind: 'person', login: given.login, ofApp: true }
    const login = token.replace(/^token-of-/, '')
    return login !== token && this.#people.has(login) ? { kind: 'person', login } : undefined
  }

  #bot(minted: Minted): Actor | undefined {
    if (minted.expiresAt <= Date.now()) return undefined
    return {
      kind: 'bot',
      login: this.botLogin,
      owner: minted.owner,
      permissions: minted.permissions,
    }
  }
}

export const mayRead = (actor: Actor, permission: string): boolean =>
  actor.kind !== 'bot' || actor.permissions[permission] !== undefined

export function mayWrite(actor: Actor, ...permissions: string[]): boolean {
  return actor.kind === 'bot' && permissions.some(name => actor.permissions[name] === 'write')
}
