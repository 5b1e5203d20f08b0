/** With `WEBHOOKS=poll`: whether GitHub keeps a log of deliveries, and whether the bot reads it. */
import { z } from 'zod'
import { type Check, found, passed } from '../core/model/check.ts'
import { minute } from '../core/model/time.ts'
import type { GitHubApp } from '../github/app-client.ts'
import { checkTolerantly, HookConfig } from './github-checks.ts'

const Newest = z.array(z.object({ event: z.string(), delivered_at: z.string() }))

/** ms. It is read every five seconds, and after an outage once a minute at least. */
const readWithin = 2 * minute

const whereItIs = 'On the App’s settings page, below “Webhook”,'

/** @param lastRead when the bot read the log last, where that is known */
export const checkLog =
  (lastRead: () => Promise<number | undefined>) =>
  async (app: GitHubApp): Promise<Check[]> =>
    (await Promise.all([checkHook(app), checkReading(app, lastRead)])).flat()

function checkHook(app: GitHubApp): Promise<Check[]> {
  return checkTolerantly('webhook-address', async () => {
    const { url } = HookConfig.parse((await app.asApp('GET /app/hook/config')).data)
    if (url) return passed('webhook-address', `not needed, since WEBHOOKS=poll; the App has ${url}`)
    return found(
      'webhook-address',
      'the App has no webhook, so GitHub logs nothing for the bot to read',
      `${whereItIs} enable “Active”, with an address that does not exist, such as https://codex.invalid/.`,
    )
  })
}

export function checkReading(app: GitHubApp, lastRead: () => Promise<number | undefined>): Promise<Check[]> {
  return checkTolerantly('webhook-deliveries', async () => {
    const at = await lastRead().catch(() => undefined)
    if (at !== undefined) return checkMoment(at)
    const { data } = await app.asApp('GET /app/hook/deliveries', { per_page: 1 })
    const [newest] = Newest.parse(data)
    return passed(
      'webhook-deliveries',
      newest
        ? `the newest in GitHub’s log is ${newest.event} of ${newest.delivered_at}`
        : `GitHub’s log of them is empty. If somebody has commented: ${whereItIs} “Active” must be enabled`,
    )
  })
}

function checkMoment(at: number): Check {
  const ago = Date.now() - at
  if (ago <= readWithin)
    return passed('webhook-deliveries', `GitHub’s log of them was read ${Math.round(ago / 1000)} s ago`)
  return found(
    'webhook-deliveries',
    `GitHub’s log of them was read last at ${new Date(at).toISOString()}`,
    'Look at the log of the bot. A process with ROLE=all or ROLE=worker has to run, and reach GitHub.',
  )
}
