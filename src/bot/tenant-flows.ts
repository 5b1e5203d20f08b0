import type { TriggerDeps } from '../commands/command-context.ts'
import { acceptTrigger } from '../commands/handle-trigger.ts'
import type { Config } from '../config.ts'
import { markerSigner } from '../core/model/marker.ts'
import type { RepositoryRef } from '../core/settings/deployment-settings.ts'
import type { Follower } from '../posthog/stream/follow-runs.ts'
import { advanceRun } from '../runs/advance-run.ts'
import type { RunDeps } from '../runs/steps/step-context.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import { liveRunsOf } from './live-runs.ts'
import type { Runtime } from './runtime.ts'

type Accept = ReturnType<typeof acceptTrigger>
type Advance = ReturnType<typeof advanceRun>

export interface Flows {
  accept: Accept
  advance: Advance
}

interface FlowsDeps {
  tenants: Tenants
  follower: Follower
  forTriggers: Omit<TriggerDeps, 'tenant' | 'posthog' | 'deployment' | 'signer'>
  forRuns: Omit<RunDeps, 'posthog' | 'budget' | 'deployment' | 'signer' | 'userToken' | 'stream' | 'liveRuns'>
}

export function flowsFor(runtime: Runtime, { tenants, follower, forTriggers, forRuns }: FlowsDeps): Flows {
  const {
    config,
    log,
    queues: { runs },
  } = runtime
  const flowsOf = (tenant: Tenant) => ({
    tenant,
    accept: acceptTrigger({ ...forTriggers, ...tenant }),
    advance: advanceRun({
      ...forRuns,
      ...tenant,
      stream: follower.of(tenant.access),
      liveRuns: () => liveRunsOf(tenant, tenants.owners, runs),
    }),
  })
  const flows = new Map(tenants.all.map(tenant => [tenant, flowsOf(tenant)]))
  const servedBy = async (thread: RepositoryRef) => {
    const tenant = await tenants.of(thread)
    return tenant && flows.get(tenant)
  }
  const withoutPostHog = acceptTrigger({ ...forTriggers, ...nobody(config) })
  return {
    async accept(job) {
      const { trigger } = job.data
      const served = trigger.kind === 'access-lost' ? undefined : await servedBy(trigger.thread)
      return (served?.accept ?? withoutPostHog)(job)
    },
    async advance(job) {
      const {
        thread,
        session: { tenant },
      } = job.data
      const served = await servedBy(thread)
      if (served && (tenant === undefined || tenant === served.tenant.tenant)) return served.advance(job)
      log.error({ run: job.id, thread: thread.url, tenant }, 'its PostHog does not serve this owner any more')
      return { kind: 'park', ms: tenantRetryMs }
    },
  }
}

const tenantRetryMs = 60_000

const nobody = ({
  app,
}: Config): Omit<Tenant, 'tenant' | 'access' | 'budget' | 'posthog'> &
  Pick<Parameters<typeof acceptTrigger>[0], 'tenant' | 'posthog'> => ({
  tenant: undefined,
  posthog: { models: async () => [], sandboxes: async () => [] },
  deployment: { posthogUrl: '', posthogProject: '' },
  signer: markerSigner(app.markerKey, [app.webhookSecret]),
  userToken: undefined,
})
