/**
 * A GitHub to talk to: emulate keeps repositories, issues and pull requests; this layer before it adds what
 * emulate lacks (reactions, GraphQL, the delivery log), repairs what it does differently, and breaks on request.
 */
import { createEmulator, type Emulator } from 'emulate'
import { freePort } from '../../test/support/free-port.ts'
import { AttachmentShelf } from './attachments.ts'
import { checkRules } from './check-rules.ts'
import { deliveryRoutes, Webhooks } from './deliveries.ts'
import { Events } from './events.ts'
import { Faults } from './faults.ts'
import { FrontDoor, INTAKE } from './front-door.ts'
import { GitHubEmulator } from './github.ts'
import { graphqlRoute } from './graphql.ts'
import { mutation } from './graphql-mutations.ts'
import { query } from './graphql-source.ts'
import { Installations, installationRoutes } from './installations.ts'
import { type Layer, routeOf } from './layer.ts'
import { Ledger } from './ledger.ts'
import { Memory } from './memory.ts'
import { Pipeline } from './pipeline.ts'
import { forkRules, pullRules, reviewRules } from './pull-rules.ts'
import { ReactionBook } from './reactions.ts'
import { Repairs } from './repairs.ts'
import { repositoryRules } from './repository-rules.ts'
import { roleRules, Tokens } from './roles.ts'
import {
  DEFAULT_PERMISSIONS,
  EVENTS,
  emulateSeed,
  OWNERS,
  PEOPLE,
  type RepositorySeed,
} from './seed.ts'
import { labelRules, listRules, reactionRules, threadRules } from './thread-rules.ts'
import { Upstream } from './upstream.ts'

export interface GitHubOptions {
  /** The bot's login is `<slug>[bot]`. */
  slug?: string
  /** May be set later: `github.webhooks.target = url`. */
  webhookUrl?: string | undefined
  webhookSecret?: string
  permissions?: Record<string, string>
  /** Those that the App is told of. */
  events?: readonly string[]
  /** The first one is the default of `as`, `thread` and the rest. */
  repos?: RepositorySeed[]
}

const appId = 4711

const root = { query, mutation }

export async function startGitHub(options: GitHubOptions = {}): Promise<GitHubEmulator> {
  const { slug = 'codex-bot', permissions = DEFAULT_PERMISSIONS, events = EVENTS } = options
  const repositories = options.repos ?? [{ owner: 'acme', name: 'shop' }]
  const door = new FrontDoor()
  const url = await door.listen()

  const memory = new Memory()
  const owners = new Set([...OWNERS, ...repositories.map(({ owner }) => owner)])
  for (const owner of owners) memory.installations.set(owner, 1_001 + memory.installations.size)
  const tokens = new Tokens(slug, PEOPLE)
  const seed = emulateSeed({
    appId,
    slug,
    people: PEOPLE,
    repositories,
    events,
    permissions,
    installations: memory.installations,
    intake: url + INTAKE,
    tokenOf: login => tokens.ofPerson(login),
  })
  const { emulator, origin } = await startEmulate(seed, url)

  const upstream = new Upstream(origin, url)
  const reactions = new ReactionBook()
  const repairs = new Repairs({ app: { id: appId, slug }, url, memory, reactions, upstream })
  const webhooks = new Webhooks({
    target: options.webhookUrl,
    secret: options.webhookSecret,
    appId,
  })
  const app = { id: appId, slug, permissions, events }
  const installations = new Installations({ app, memory, repairs, upstream, webhooks })
  const told = new Events({
    url,
    memory,
    installations,
    repairs,
    subscribed: events,
    upstream,
    webhooks,
  })
  const faults = new Faults()
  const ledger = new Ledger()
  const pipeline = new Pipeline({
    faults,
    installations,
    ledger,
    memory,
    repairs,
    tokens,
    upstream,
    url,
  })
  const graphql = { denies: [] }
  const attachments = new AttachmentShelf(url)
  const layer: Layer = {
    url,
    upstream,
    memory,
    installations,
    reactions,
    events: told,
    webhooks,
    forward: pipeline.forward,
    serve: pipeline.serve,
    maySee: pipeline.maySee,
  }
  pipeline.add(
    ...deliveryRoutes(layer),
    ...installationRoutes(layer),
    graphqlRoute({ state: graphql, ledger, root: (kind, request) => root[kind](layer, request) }),
    ...[
      ...repositoryRules,
      ...roleRules,
      ...reactionRules,
      ...listRules,
      ...threadRules,
      ...labelRules,
      ...pullRules,
      ...forkRules,
      ...checkRules,
      ...reviewRules,
    ].map(routeOf(layer)),
    ...attachments.routes,
  )
  door.open({ pipeline, events: told })
  const github = new GitHubEmulator({
    appId,
    slug,
    privateKey: emulator.generatedSecrets[0]?.value ?? '',
    repositories: repositories.map(({ owner, name }) => `${owner}/${name}`),
    close: async () => {
      await Promise.all([webhooks.close(), door.close()])
      await emulator.close()
    },
    ...layer,
    faults,
    ledger,
    tokens,
    pipeline,
    graphql,
    attachments,
  })
  await github.prepare()
  return github
}

/** emulate does not say which port it took when it is told a base address, so it gets one. */
async function startEmulate(
  seed: ReturnType<typeof emulateSeed>,
  baseUrl: string,
  tries = 5,
): Promise<{ emulator: Emulator; origin: string }> {
  const port = await freePort()
  try {
    const emulator = await createEmulator({
      service: 'github',
      port,
      hostname: '127.0.0.1',
      baseUrl,
      seed,
    })
    return { emulator, origin: `http://127.0.0.1:${port}` }
  } catch (error) {
    if (tries <= 1) throw error
    return startEmulate(seed, baseUrl, tries - 1)
  }
}
