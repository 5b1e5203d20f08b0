/** `npm run play`: a page that looks like a thread on GitHub, with the real bot and both emulators behind it. */
import { parseArgs } from 'node:util'
import { onStage } from './on-stage.ts'
import { servePlayground } from './playground/server.tsx'
import { furnish } from './playground/stage.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '4200' } } })

process.stdout.write('Starting an emulated GitHub, an emulated PostHog and the real bot …\n')
await onStage(
  async stage => {
    await furnish(stage)
    const address = await servePlayground(stage, Number(values.port))
    process.stdout.write(`\nThe playground is at ${address}\nCtrl-C ends it; nothing is kept.\n`)
    return 'stay'
  },
  error => `✗ ${error instanceof Error ? error.message : String(error)}`,
)
