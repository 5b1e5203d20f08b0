/** The bot as a Probot app, as `probot run ./dist/app.js` loads it. `npm start` reaches `receive` without Probot. */
import type { Probot } from 'probot'
import { startBehind } from './bot.ts'
import { readConfig } from './config.ts'
import { readEvents } from './github/webhooks/normalise.ts'
import type { Receive } from './github/webhooks/webhook-endpoint.ts'
import { environment } from './process-environment.ts'

/** Enqueues webhooks. Probot answers with the status of an error: 503 when the queue can't take one. */
export function listen(app: Pick<Probot, 'on'>, receive: Receive): void {
  app.on([...readEvents], async ({ id, name, payload }) => {
    await receive({ id, event: name, payload }).catch((error: Error) => {
      throw Object.assign(error, { status: 503 })
    })
  })
}

export default async function codex(app: Probot): Promise<void> {
  const read = readConfig(environment())
  if (read.kind === 'refuse') throw new Error(`The bot can't start:\n- ${read.problems.join('\n- ')}`)
  if (read.kind === 'set-up')
    throw new Error("The bot can't start: no GitHub App is set. `npm start` shows the set-up page")
  const bot = await startBehind(read.config)
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void bot.stop(signal).finally(() => process.exit(0)))
  listen(app, bot.receive)
}
