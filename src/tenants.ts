/** Each PostHog has its own clients, budget and marker key: one key can't serve another's owners. */
import type { Config } from './config.ts'
import {
  type Allowance,
  type CallBudget,
  limitGate,
  postHogAllowance,
} from './core/model/call-budget.ts'
import type { Thread } from './core/model/thread.ts'
import { markerSigner, type Signer } from './core/record/marker.ts'
import type { Deployment } from './core/words/words.ts'
import type { PostHogSettings, Standing } from './posthog/posthog-http.ts'
import { notSetUp, openStanding } from './posthog/standing.ts'
import { postHogTasks } from './posthog/tasks-client.ts'

export type Tenant = ReturnType<typeof tenantOf>

interface TenantParts extends Required<Pick<PostHogSettings, 'meter' | 'redact'>> {
  now(): number
  budget(name: string, allowance: Allowance): CallBudget
  /** A key or project was found to be wrong. */
  foundWrong(): void
}

type Access = NonNullable<Config['posthog']>

/** The tenants of SETTINGS_FILE at the start. A later change of them holds after the next start. */
export function openTenants(config: Config, opening: TenantParts) {
  const usual = config.posthog && tenantOf(config.posthog, signerOf(config.app), opening)
  const opened = new Map<string, Tenant>()
  const owners = new Map<number, Tenant>()
  for (const { owner, ...access } of config.tenants) {
    const name = tenantName(access)
    const known =
      opened.get(name) ??
      tenantOf({ ...access, userToken: undefined }, signerOf(config.app, name), opening)
    opened.set(name, known)
    owners.set(Number(owner), known)
  }
  const all = [...(usual ? [usual] : []), ...opened.values()]
  const gone = new Map<string, Tenant>()
  return {
    all,
    /** Owners with a PostHog of their own, by number. */
    owners,
    of: ({ ownerId }: Pick<Thread, 'ownerId'>): Tenant | undefined => owners.get(ownerId) ?? usual,
    /** The one that a Run was started with: its owner may have another by now, or it may not be set up any more. */
    named(name: string): Tenant {
      const tenant = all.find(({ tenant }) => tenant === name) ?? gone.get(name)
      if (tenant) return tenant
      const [host = '', projectId = ''] = name.split(' ')
      const unknown = { host, projectId, apiKey: '', userToken: undefined }
      // Tells its Runs that whoever runs the bot has to set it up again.
      const unset = tenantOf(unknown, signerOf(config.app, name), opening, notSetUp(opening.now))
      gone.set(name, unset)
      return unset
    },
  }
}

export function signerOf({ markerKey, markerKeysOld }: Config['app'], tenant?: string): Signer {
  const keyOf = (key: string) => (tenant === undefined ? key : `${key} ${tenant}`)
  return markerSigner(keyOf(markerKey), markerKeysOld.map(keyOf))
}

const tenantName = ({ host, projectId }: Pick<Access, 'host' | 'projectId'>) =>
  `${host} ${projectId}`

function tenantOf(
  { host, projectId, apiKey, userToken }: Access,
  signer: Signer,
  { meter, redact, now, budget: open, foundWrong }: TenantParts,
  standing?: Standing,
) {
  const tenant = tenantName({ host, projectId })
  const gate = limitGate(now)
  const budget = open(tenant, postHogAllowance)
  const settings: PostHogSettings = { host, projectId, apiKey, redact, meter, gate, budget }
  const access: PostHogSettings = {
    ...settings,
    standing: standing ?? openStanding(settings, now, foundWrong),
  }
  return {
    tenant,
    access,
    budget,
    posthog: postHogTasks(access, now),
    deployment: { posthogUrl: host, posthogProject: projectId } satisfies Deployment,
    signer,
    userToken,
  }
}
