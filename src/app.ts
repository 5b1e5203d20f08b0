/** The bot as a Probot app, as `probot run ./dist/app.js` loads it. */
import type { Probot } from 'probot'
import { startBehind } from './bot.ts'
import { readConfig } from './config.ts'
import { hostedBy } from './github/webhooks/probot.ts'
import { environment } from './process-environment.ts'

export default async function codex(app: Probot): Promise<void> {
  const read = readConfig(environment())
  if (read.kind === 'refuse')
    throw new Error(`The bot can't start:\n- ${read.problems.join('\n- ')}`)
  if (read.kind === 'set-up')
    throw new Error(
      "The bot can't start: no GitHub App is set. `npx codex-task-bot` shows the set-up page",
    )
  const bot = await startBehind(read.config)
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void bot.stop(signal).finally(() => process.exit(0)))
  hostedBy(app, bot.receive)
}
