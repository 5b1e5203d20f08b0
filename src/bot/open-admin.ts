/** Joins the admin pages with the queue of this process. Loaded only where there is an ADMIN_TOKEN. */
import { repositoryNamesIn } from '../access/first-of.ts'
import { heldHere } from '../commands/config-command.ts'
import { triggerRecord } from '../commands/trigger-record.ts'
import { secretsOf } from '../config.ts'
import type { Run } from '../core/record/run.ts'
import { pausedBecause, triggerOf } from '../core/settings/deployment-settings.ts'
import { redactor } from '../core/text/redact.ts'
import { runUrl } from '../core/words/words.ts'
import { gitHubApp } from '../github/app-client.ts'
import { installationsOf } from '../github/installations.ts'
import { filesIn } from '../github/repository-files.ts'
import { pausesIn } from '../maintenance/pauses.ts'
import { adminPages } from '../web/admin/admin-server.tsx'
import type { Handler } from '../web/http-server.ts'
import { type Runtime, readinessOf } from './runtime.ts'
import { settingsOf } from './settings-of.ts'

export function openAdmin(runtime: Runtime, token: string): Handler {
  const { config, settings, queues, log, state, metrics } = runtime
  const { now } = runtime.clock
  const { id: appId, privateKey } = config.app
  const { meter } = metrics
  const app = gitHubApp({ appId, privateKey, apiUrl: config.app.apiUrl }, now, {
    meter,
    limits: queues.limits,
  })
  const reader = settingsOf(runtime, app, repositoryNamesIn(queues.writtenOnce, log))
  const installations = installationsOf(app, redactor(secretsOf(config)))
  return adminPages({
    token,
    ended: {
      end: async session => void (await queues.writtenOnce.add(`signed-out-${session}`, {})),
      hasEnded: async session => (await queues.writtenOnce.get(`signed-out-${session}`)) !== undefined,
    },
    runs: queues.runs,
    pauses: pausesIn(queues.chores, queues.writtenOnce, queues.connectedAt),
    // A ticked box without a comment: the same gate, limits and decision as for one.
    retry: async (run, id, admin) => {
      const { thread, request, baseline } = run
      const trigger = {
        ...{ id, deliveryId: id, at: now(), thread, sender: request.by, snapshot: baseline.snapshot },
        ...({ kind: 'tick', box: 'retry', run: run.id, admin, text: '' } as const),
      }
      await queues.triggers.add(id, triggerRecord(trigger))
    },
    wasRetried: async id => (await queues.triggers.get(id)) !== undefined,
    drain:
      config.role === 'web'
        ? undefined
        : () => {
            state.drained = true
            queues.drain().catch(err => log.error({ err }, 'could not drain'))
          },
    async examine() {
      const { deployed, examine } = await import('../doctor/examine.ts')
      return examine('everything', deployed(config, queues.deliveries.last))
    },
    failedChecks: async () => (await readinessOf(runtime)).failed,
    pausedBecause: () => pausedBecause(settings.settings),
    posthogUrl: run => posthogUrl(run, config.posthog),
    repositoryNamed: name => {
      const [owner = '', repo = ''] = name.split('/')
      return installations.repositoryNamed(owner, repo)
    },
    settingsOf: async repository => {
      const held = await reader.of(filesIn(app.forRepo(repository), repository), repository)
      const trigger = triggerOf(settings.settings, repository.ownerId)
      const { problem, usable } = held
      return { held: heldHere({ now: held, usual: config.run, trigger }), problem, usable }
    },
    log,
    now,
  })
}

/** A Run that has begun names the PostHog that it began with. */
function posthogUrl(run: Run, usual: { host: string; projectId: string } | undefined): string | undefined {
  const { taskId, tenant } = run.session
  const [host = usual?.host, projectId = usual?.projectId] = tenant?.split(' ') ?? []
  if (taskId === undefined || !host || !projectId) return undefined
  return runUrl(run, { posthogUrl: host, posthogProject: projectId })
}
