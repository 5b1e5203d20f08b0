/** Where the App is installed, and how that ends: uninstalled, suspended, a repository taken out of it. */
import type { Webhooks } from './deliveries.ts'
import type { Actor } from './http.ts'
import {
  type Answer,
  type ApiRequest,
  answer,
  failure,
  notFound,
  paged,
  type Route,
  route,
} from './http.ts'
import { isObject, type JsonObject, listAt, objectAt, textAt } from './json.ts'
import type { KnownRepository, Memory } from './memory.ts'
import { type Repairs, wholeSeconds } from './repairs.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  memory: Memory
  repairs: Repairs
  upstream: Upstream
  webhooks: Webhooks
  /** What GitHub calls the App in its payloads. */
  app: {
    id: number
    slug: string
    permissions: Readonly<Record<string, string>>
    events: readonly string[]
  }
}

type Standing = 'installed' | 'suspended' | 'uninstalled'

export class Installations {
  readonly #parts: Parts
  readonly #standings = new Map<string, Standing>()
  readonly #suspendedAt = new Map<string, string>()
  /** Ids of repositories that were taken out. */
  readonly #removed = new Set<number>()
  readonly #withheld = new Map<string, readonly string[]>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get appId(): number {
    return this.#parts.app.id
  }

  standing(owner: string): Standing {
    if (!this.#parts.memory.installations.has(owner)) return 'uninstalled'
    return this.#standings.get(owner) ?? 'installed'
  }

  /** Whether the App is told of this repository, also when it is gone already. */
  includes(fullName: string): boolean {
    const repository = this.#parts.memory.repository(fullName)
    if (repository && this.isRemoved(repository)) return false
    return this.standing(ownerOf(fullName)) === 'installed'
  }

  isRemoved({ id }: KnownRepository): boolean {
    return this.#removed.has(id)
  }

  /** All of an owner's repositories lose the App, and it is told. */
  async uninstall(owner: string): Promise<void> {
    await this.#told(owner, 'deleted')
    this.#standings.set(owner, 'uninstalled')
  }

  async suspend(owner: string): Promise<void> {
    this.#suspendedAt.set(owner, wholeSeconds(new Date().toISOString()))
    this.#standings.set(owner, 'suspended')
    await this.#told(owner, 'suspend')
  }

  async unsuspend(owner: string): Promise<void> {
    this.#standings.set(owner, 'installed')
    this.#suspendedAt.delete(owner)
    await this.#told(owner, 'unsuspend')
  }

  /** Anew. GitHub would give it another number; here an owner keeps theirs. */
  async install(owner: string): Promise<void> {
    this.#standings.set(owner, 'installed')
    await this.#told(owner, 'created')
  }

  async addRepository(name: string): Promise<void> {
    const repository = this.#parts.memory.repository(name)
    if (!repository) throw new Error(`GitHub emulator: no repository ${name}`)
    this.#removed.delete(repository.id)
    await this.#tellOf('added', repository, owning)
  }

  async removeRepository(name: string): Promise<void> {
    const repository = this.#parts.memory.repository(name)
    if (!repository) throw new Error(`GitHub emulator: no repository ${name}`)
    this.#removed.add(repository.id)
    await this.#tellOf('removed', repository, owning)
  }

  /** It goes to another owner, under whom the App may or may not be installed. */
  async leave(repository: KnownRepository, sender: string): Promise<void> {
    this.#removed.delete(repository.id)
    await this.#tellOf('removed', repository, sender)
  }

  /** An owner who has not accepted these: no token is made that asks for one of them. */
  withhold(owner: string, permissions: readonly string[]): void {
    this.#withheld.set(owner, permissions)
  }

  /** One as the App sees it: `GET /app/installations/{id}`. */
  shownOne(one: unknown): unknown {
    if (!isObject(one)) return one
    const withheld = this.#withheld.get(textAt(one, 'account', 'login')) ?? []
    const granted = Object.entries(objectAt(one, 'permissions')).filter(
      ([name]) => !withheld.includes(name),
    )
    return { ...one, permissions: Object.fromEntries(granted) }
  }

  /** For calls as the App itself. */
  refuseApp({ method, path, body }: ApiRequest): Answer | undefined {
    const id = /^\/app\/installations\/(\d+)(?:\/|$)/.exec(path)?.[1]
    const owner = [...this.#parts.memory.installations].find(
      ([, known]) => String(known) === id,
    )?.[0]
    if (owner === undefined) return undefined
    if (this.standing(owner) === 'uninstalled') return notFound()
    if (method !== 'POST') return undefined
    if (this.standing(owner) === 'suspended')
      return failure(403, 'This installation has been suspended')
    const withheld = this.#withheld.get(owner) ?? []
    if (withheld.some(permission => permission in objectAt(body, 'permissions')))
      return failure(422, 'The permissions requested are not granted to this installation.')
    const isOut = listAt(body, 'repository_ids').some(each => {
      const known = this.#parts.memory.repositoryById(Number(each))
      return known && (this.isRemoved(known) || ownerOf(known.fullName) !== owner)
    })
    if (!isOut) return undefined
    return failure(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    )
  }

  /** For calls with an installation's token. */
  refuseBot(
    { method, path }: ApiRequest,
    { owner }: Extract<Actor, { kind: 'bot' }>,
  ): Answer | undefined {
    if (this.standing(owner) === 'uninstalled') return failure(401, 'Bad credentials')
    if (this.standing(owner) === 'suspended')
      return failure(403, 'This installation has been suspended')
    const name = /^\/repos\/([^/]+\/[^/]+)/.exec(path)?.[1]
    const repository = this.#parts.memory.repository(name ?? '')
    if (!repository) return undefined
    // It was taken out, or is another owner's by now.
    if (!this.isRemoved(repository) && ownerOf(repository.fullName) === owner) return undefined
    if (repository.private) return notFound()
    return method === 'GET' ? undefined : failure(403, 'Resource not accessible by integration')
  }

  /** `GET /app/installations` knows all that emulate was told of at the start. */
  shown(listed: unknown): unknown {
    if (!Array.isArray(listed)) return listed
    return listed
      .filter(one => this.standing(textAt(one, 'account', 'login')) !== 'uninstalled')
      .map(one => ({
        ...one,
        suspended_at: this.#suspendedAt.get(textAt(one, 'account', 'login')) ?? null,
      }))
  }

  async #tellOf(
    action: 'added' | 'removed',
    repository: KnownRepository,
    sender: string,
  ): Promise<void> {
    const { upstream } = this.#parts
    const found = await upstream.read(`/repos/${repository.fullName}`)
    const short = shortOf({ ...found, full_name: repository.fullName, id: repository.id })
    const owner = ownerOf(repository.fullName)
    if (this.standing(owner) !== 'installed') return
    await this.#tell(owner, sender, 'installation_repositories', {
      action,
      repository_selection: 'selected',
      repositories_added: action === 'added' ? [short] : [],
      repositories_removed: action === 'removed' ? [short] : [],
      requester: null,
    })
  }

  #told(owner: string, action: string): Promise<void> {
    const known = this.#parts.memory.repositoriesOf(owner)
    const repositories = known.map(({ fullName, ...rest }) =>
      shortOf({ full_name: fullName, ...rest }),
    )
    return this.#tell(owner, owning, 'installation', { action, repositories })
  }

  /** GitHub sends these whatever the App subscribed to. */
  async #tell(owner: string, sender: string, event: string, payload: JsonObject): Promise<void> {
    const { upstream, repairs, webhooks } = this.#parts
    const body = {
      ...payload,
      installation: await this.#installation(owner),
      sender: await upstream.read(`/users/${encodeURIComponent(sender)}`),
    }
    await repairs.apply(body)
    webhooks.enqueue(event, body)
  }

  async #installation(owner: string): Promise<JsonObject> {
    const { upstream, memory, app } = this.#parts
    const account = await upstream.read(`/orgs/${owner}`)
    return {
      id: memory.installations.get(owner),
      account: account && { ...account, type: 'Organization' },
      repository_selection: this.#removed.size > 0 ? 'selected' : 'all',
      app_id: app.id,
      app_slug: app.slug,
      target_type: 'Organization',
      permissions: { ...app.permissions },
      events: [...app.events],
      suspended_at: this.#suspendedAt.get(owner) ?? null,
    }
  }
}

/** Who owns the organizations. */
const owning = 'olga'

const ownerOf = (fullName: string): string => fullName.split('/')[0] ?? ''

/** As repositories stand in events of an installation. */
function shortOf(repository: JsonObject): JsonObject {
  const fullName = textAt(repository, 'full_name')
  return {
    id: repository.id,
    node_id: `R_${repository.id}`,
    name: fullName.split('/')[1],
    full_name: fullName,
    private: repository.private === true,
  }
}

// What an installation token may see, for which emulate has no route.

interface Needs {
  memory: Memory
  upstream: Upstream
  installations: Installations
  forward(request: ApiRequest): Promise<Answer>
}

export function installationRoutes({ memory, upstream, installations, forward }: Needs): Route[] {
  return [
    route('GET', '/app/installations', async request => {
      const listed = await forward(request)
      return { ...listed, body: installations.shown(listed.body) }
    }),
    route('GET', '/app/installations/:id', async request => {
      const found = await forward(request)
      return { ...found, body: installations.shownOne(found.body) }
    }),
    route('GET', '/installation/repositories', async request => {
      const { actor } = request
      if (actor.kind !== 'bot') return failure(401, 'Requires authentication')
      const known = memory
        .repositoriesOf(actor.owner)
        .filter(one => installations.includes(one.fullName))
      const repositories = await Promise.all(
        paged(request, known).map(({ fullName }) => upstream.read(`/repos/${fullName}`)),
      )
      return answer(200, { total_count: known.length, repository_selection: 'all', repositories })
    }),
  ]
}
