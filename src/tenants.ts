/** Each PostHog has its own clients, budget and marker key: one key can't serve another's owners. */
import type { Config } from './config.ts'
import {
  type Allowance,
  type CallBudget,
  type LimitStore,
  limitGate,
  postHogAllowance,
} from './core/model/call-budget.ts'
import type { TasksClient } from './core/model/ports.ts'
import { markerSigner, type Signer } from './core/record/marker.ts'
import {
  type DeploymentSettings,
  loginOf,
  type NamesOf,
  ownerEntry,
  type RepositoryRef,
} from './core/settings/deployment-settings.ts'
import type { Deployment } from './core/words/words.ts'
import type { PostHogSettings } from './posthog/posthog-http.ts'
import { postHogTasks } from './posthog/tasks-client.ts'

export interface Tenant {
  tenant: string
  access: PostHogSettings
  budget: CallBudget
  posthog: TasksClient
  deployment: Deployment
  signer: Signer
  userToken: string | undefined
}

export interface Tenants {
  all: readonly Tenant[]
  /** Owners with a PostHog of their own, in lower case. */
  owners: ReadonlyMap<string, Tenant>
  of(thread: RepositoryRef): Promise<Tenant | undefined>
}

interface Opening {
  meter: NonNullable<PostHogSettings['meter']>
  redact(text: string): string
  now(): number
  limits: LimitStore | undefined
  budget(name: string, allowance: Allowance): CallBudget
  names: NamesOf
}

type Access = NonNullable<Config['posthog']>

/** @param settings as they are now; a PostHog added since the start is used after the next one */
export function openTenants(config: Config, settings: DeploymentSettings, opening: Opening): Tenants {
  const { webhookSecret, markerKey } = config.app
  // Also reads markers from before they had a key of their own.
  const usual = config.posthog && tenantOf(config.posthog, markerSigner(markerKey, [webhookSecret]), opening)
  const opened = new Map<string, Tenant>()
  const byKey = new Map<string, Tenant>()
  for (const { owner, ...access } of config.tenants) {
    const name = nameOf(access)
    const known =
      opened.get(name) ??
      tenantOf({ ...access, userToken: undefined }, markerSigner(`${markerKey} ${name}`), opening)
    opened.set(name, known)
    byKey.set(owner.toLowerCase(), known)
  }
  return {
    all: [...(usual ? [usual] : []), ...opened.values()],
    owners: new Map([...byKey].map(([key, tenant]) => [loginOf(key), tenant])),
    async of(thread) {
      const [key, entry] = ownerEntry(settings, thread, await opening.names(settings, thread)) ?? []
      return byKey.get(key?.toLowerCase() ?? '') ?? (entry?.posthog ? undefined : usual)
    },
  }
}

const nameOf = ({ host, projectId }: Pick<Access, 'host' | 'projectId'>): string => `${host} ${projectId}`

function tenantOf(
  { host, projectId, apiKey, userToken }: Access,
  signer: Signer,
  { meter, redact, now, limits, budget: open }: Opening,
): Tenant {
  const tenant = nameOf({ host, projectId })
  const gate = limitGate(now, limits && { name: `posthog ${tenant}`, store: limits })
  const budget = open(tenant, postHogAllowance)
  const access: PostHogSettings = { host, projectId, apiKey, redact, meter, gate, budget }
  return {
    tenant,
    access,
    budget,
    posthog: postHogTasks(access, now),
    deployment: { posthogUrl: host, posthogProject: projectId },
    signer,
    userToken,
  }
}
