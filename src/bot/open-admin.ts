/** Joins the admin pages with the queue of this process. Loaded only where there is an ADMIN_TOKEN. */
import { triggerRecord } from '../commands/trigger-record.ts'
import type { Run } from '../core/record/run.ts'
import { runUrl } from '../core/words/words.ts'
import { adminPages } from '../web/admin/admin-server.tsx'
import type { Handler } from '../web/http-server.ts'
import { type Runtime, readinessOf } from './runtime.ts'

export function openAdmin(runtime: Runtime, token: string): Handler {
  const { config, queues, log } = runtime
  const { now } = runtime.clock
  return adminPages({
    token,
    ended: {
      end: async session => void (await queues.writtenOnce.add(`signed-out-${session}`, {})),
      hasEnded: async session =>
        (await queues.writtenOnce.get(`signed-out-${session}`)) !== undefined,
    },
    runs: queues.runs,
    // A ticked box without a comment: the same gate, limits and decision as for one.
    retry: async (run, id, admin) => {
      const { thread, request, baseline } = run
      const trigger = {
        id,
        deliveryId: id,
        at: now(),
        thread,
        sender: request.by,
        snapshot: baseline.snapshot,
        ...({ kind: 'tick', box: 'retry', run: run.id, admin, text: '' } as const),
      }
      await queues.triggers.add(id, triggerRecord(trigger))
    },
    examine: async () => (await import('../doctor/examine.ts')).examineAll(config),
    failedChecks: async () => (await readinessOf(runtime)).failed,
    posthogUrl: run => posthogUrl(run, config.posthog),
    log,
    now,
  })
}

/** A Run that has begun names the PostHog that it began with. */
function posthogUrl(
  run: Run,
  usual: { host: string; projectId: string } | undefined,
): string | undefined {
  const { taskId, tenant } = run.session
  const [host = usual?.host, projectId = usual?.projectId] = tenant?.split(' ') ?? []
  if (taskId === undefined || !host || !projectId) return undefined
  return runUrl(run, { posthogUrl: host, posthogProject: projectId })
}
