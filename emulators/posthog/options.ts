import { type AgentHands, MemoryHands } from './hands.ts'

export interface ApiKey {
  key: string
  userId: number
  scopes: string[]
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
  /** From the last of a row of events to their entries in the log [R: `session-log-writer.ts`, P]. */
  log: number
  /** From a fault of the provider to the prompt that the server around the agent sends again [really 5 s, R]. */
  retry: number
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
  repositories?: string[]
}

interface SandboxEnvironment {
  id: string
  name: string
}

/** In which of its ways the server behaves; they can be changed while it runs. */
export interface Switches {
  /** After its turn a run idles for `timing.idle`; or it `ends` at once, as a background run of the newest agent may [U]. */
  afterTurn: 'idles' | 'ends'
  /** When the workflow ends a sandbox whose agent has ended its run itself [W]: with what is not stored yet, or 2 s later. */
  teardown: 'at once' | 'later' | 'never'
  /** Somebody reads `/events` of the sandboxes; with event ingest the workflow does not [W]. */
  watched: boolean
  /** An older workflow sends the first words again, without an id, while the agent works on them [W]. */
  forwards: boolean
  /** A disobedient agent edits and publishes as far as its rights let it, whatever it was told. */
  agent: 'obedient' | 'disobedient'
  /** What `user_message` gets when the workflow has ended; older servers can't tell it from an outage [R]. */
  endedWorkflow: 409 | 502
  /** Newer servers name the run that they made; on older ones it is the `latest_run`, if that is not a stale one. */
  namesCreatedRun: boolean
}

export interface PostHogOptions extends Partial<Switches> {
  port?: number
  projectId?: number
  apiKeys?: ApiKey[]
  timing?: Partial<Timing>
  hands?: AgentHands
  rate?: Partial<RateRules> | 'off'
  stream?: Partial<StreamRules>
  logPage?: Partial<LogPage>
  /** Repositories which PostHog's own GitHub App covers, besides those of another organization; absent means all. */
  repositories?: string[]
  /** One for each organization that PostHog's GitHub App is installed in, in the place of `repositories`. */
  githubIntegrations?: GithubIntegration[]
  sandboxEnvironments?: SandboxEnvironment[]
}

/** What one answer of `session_logs` holds at most. */
interface LogPage {
  entries: number
  bytes: number
}

export interface Settings
  extends Switches,
    Required<Pick<PostHogOptions, 'projectId' | 'apiKeys' | 'hands'>> {
  timing: Timing
  rate: RateRules | 'off'
  stream: StreamRules
  logPage: LogPage
  /** A task that names none gets the first [R]. */
  githubIntegrations: GithubIntegration[]
  sandboxEnvironments: SandboxEnvironment[]
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
  retry: 100,
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

/** Unless said otherwise, the first is of another organization: whoever names none can clone nothing. */
function integrationsOf({
  repositories,
  githubIntegrations = [
    { id: 1, repositories: ['elsewhere/other'] },
    { id: 2, repositories },
  ],
}: PostHogOptions): GithubIntegration[] {
  return githubIntegrations.map(({ id, repositories: covered }) => ({
    id,
    repositories: covered?.map(name => name.toLowerCase()),
  }))
}

export function settle(options: PostHogOptions): Settings {
  const rate = options.rate ?? {}
  return {
    afterTurn: 'idles',
    teardown: 'at once',
    watched: false,
    forwards: false,
    agent: 'obedient',
    endedWorkflow: 502,
    namesCreatedRun: true,
    projectId: 1,
    apiKeys: [{ key: defaultApiKey, userId: 1, scopes: ['*'] }],
    hands: new MemoryHands(),
    ...options,
    timing: { ...timing, ...options.timing },
    rate: rate === 'off' ? 'off' : { perMinute: 480, perHour: 4_800, ...rate },
    stream: { ...stream, ...options.stream },
    logPage: { entries: 5_000, bytes: 16 * 1024 * 1024, ...options.logPage },
    githubIntegrations: integrationsOf(options),
    sandboxEnvironments: options.sandboxEnvironments ?? [],
  }
}

export const covers = (
  { githubIntegrations }: Settings,
  id: number | null,
  repository: string,
): boolean => {
  const integration = githubIntegrations.find(each => each.id === id)
  return (
    integration !== undefined &&
    (integration.repositories?.includes(repository.toLowerCase()) ?? true)
  )
}
