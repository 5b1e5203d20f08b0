import type { AgentHands } from './agent-hands.ts'
import { MemoryHands } from './memory-hands.ts'
import type { ServerVersion } from './models.ts'

export interface ApiKey {
  key: string
  userId: number
  scopes: string[]
  /** Whether this user linked a GitHub account; without it `user` authorship quietly becomes `bot`. */
  githubLinked?: boolean
}

/** Milliseconds. Real runs boot for a minute; the wait for more words is the real one unless told otherwise. */
interface Timing {
  queued: number
  sandbox: number
  clone: number
  agent: number
  work: number
  publish: number
  /** From `output.pr_url` to the end of the turn, while the agent talks on. */
  settle: number
  /** From an event to its entry in the log [R: `session-log-writer.ts` stores half a second after the last event]. */
  log: number
  /** From the end of a turn to the end of the run, if nothing more is said [R: `INACTIVITY_TIMEOUT_USER_SECONDS`]. */
  idle: number
  /** From the end of a turn with a pull request to PostHog's own CI turn [R: `CI_FOLLOW_UP_DELAY`]. */
  ci: number
  cancel: number
  unknownModel: number
}

export interface StreamRules {
  keepaliveMs: number
  rotateMs: number
  /** Every n-th frame is sent twice; 0 for never. */
  duplicateEvery: number
  maxLength: number
  /** How long frames outlive the run; afterwards the stored log is replayed. */
  keptMs: number
}

export interface RateRules {
  perMinute: number
  perHour: number
}

export interface GithubIntegration {
  id: number
  /** Which it covers; absent means all. */
  repositories?: string[] | undefined
}

interface SandboxEnvironment {
  id: string
  name: string
}

/** In which of its ways the server behaves; they can be changed while it runs. */
export interface Switches {
  /** After its turn a run idles for `timing.idle`; or it `ends` at once, as a background run of the newest agent may [U]. */
  afterTurn: 'idles' | 'ends'
  /** `its-own`: the previous base branch or one that the run worked on, any other is refused [R, scope U]. */
  resumesOn: 'any' | 'its-own'
  /** A disobedient agent edits and publishes as far as its rights let it, whatever it was told. */
  agent: 'obedient' | 'disobedient'
  /** What `user_message` gets when the workflow has ended; older servers can't tell it from an outage [R]. */
  endedWorkflow: 409 | 502
  /** Older servers pass a message on as often as it comes [R]. */
  dedupesMessages: boolean
  /** Newer servers name the run that they made; on older ones it is the `latest_run`, if that is not a stale one. */
  namesCreatedRun: boolean
}

export interface PostHogOptions extends Partial<Switches> {
  port?: number
  host?: string
  projectId?: number
  apiKeys?: ApiKey[]
  timing?: Partial<Timing>
  hands?: AgentHands
  version?: ServerVersion
  rate?: Partial<RateRules> | 'off'
  stream?: Partial<StreamRules>
  logPage?: Partial<LogPage>
  /** Repositories which PostHog's own GitHub App covers; absent means all. */
  repositories?: string[]
  hasGithubIntegration?: boolean
  /** One for each organization that PostHog's GitHub App is installed in; in the place of the two before. */
  githubIntegrations?: GithubIntegration[]
  sandboxEnvironments?: SandboxEnvironment[]
  /** Which of the two plausible statuses a missing or bad key gets. */
  authStatus?: 401 | 403
}

/** What one answer of `session_logs` holds at most. */
interface LogPage {
  entries: number
  bytes: number
}

export interface Settings extends Switches {
  projectId: number
  apiKeys: ApiKey[]
  timing: Timing
  hands: AgentHands
  version: ServerVersion
  rate: RateRules | 'off'
  stream: StreamRules
  logPage: LogPage
  /** A task that names none gets the first [R]. */
  githubIntegrations: GithubIntegration[]
  sandboxEnvironments: SandboxEnvironment[]
  authStatus: 401 | 403
}

const defaultApiKey = 'phx_emulatorKeyOfTheServiceUser0000000000000000'

const minute = 60_000

const timing: Timing = {
  queued: 30,
  sandbox: 30,
  clone: 30,
  agent: 30,
  work: 60,
  publish: 30,
  settle: 1_000,
  log: 500,
  idle: 60 * minute,
  ci: 15 * minute,
  cancel: 50,
  unknownModel: 50,
}

const stream: StreamRules = {
  keepaliveMs: 20_000,
  rotateMs: 15 * minute,
  duplicateEvery: 0,
  maxLength: 5_000,
  keptMs: 30 * minute,
}

function switchesOf(options: PostHogOptions): Switches {
  const newest = options.version !== 'older'
  return {
    afterTurn: options.afterTurn ?? 'idles',
    resumesOn: options.resumesOn ?? (newest ? 'its-own' : 'any'),
    agent: options.agent ?? 'obedient',
    endedWorkflow: options.endedWorkflow ?? (newest ? 409 : 502),
    dedupesMessages: options.dedupesMessages ?? newest,
    namesCreatedRun: options.namesCreatedRun ?? newest,
  }
}

function integrationsOf({
  hasGithubIntegration = true,
  repositories,
  githubIntegrations = hasGithubIntegration ? [{ id: 1, repositories }] : [],
}: PostHogOptions): GithubIntegration[] {
  return githubIntegrations.map(({ id, repositories: covered }) => ({
    id,
    repositories: covered?.map(name => name.toLowerCase()),
  }))
}

export function settle(options: PostHogOptions): Settings {
  const rate = options.rate ?? {}
  return {
    ...switchesOf(options),
    projectId: options.projectId ?? 1,
    apiKeys: options.apiKeys ?? [{ key: defaultApiKey, userId: 1, scopes: ['*'] }],
    timing: { ...timing, ...options.timing },
    hands: options.hands ?? new MemoryHands(),
    version: options.version ?? 'newest',
    rate: rate === 'off' ? 'off' : { perMinute: 480, perHour: 4_800, ...rate },
    stream: { ...stream, ...options.stream },
    logPage: { entries: 5_000, bytes: 16 * 1024 * 1024, ...options.logPage },
    githubIntegrations: integrationsOf(options),
    sandboxEnvironments: options.sandboxEnvironments ?? [],
    authStatus: options.authStatus ?? 401,
  }
}

export const covers = ({ githubIntegrations }: Settings, id: number | null, repository: string): boolean => {
  const integration = githubIntegrations.find(each => each.id === id)
  return integration !== undefined && (integration.repositories?.includes(repository.toLowerCase()) ?? true)
}
