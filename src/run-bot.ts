/** Reads the environment, starts the bot or the set-up page, and stops on a signal. */
import { grace, type Started, startBot } from './bot.ts'
import { readConfig } from './config.ts'
import { environment, goThroughProxy, namesInFiles } from './process-environment.ts'

let started: Promise<Started>

export async function runBot(): Promise<void> {
  started = start()
  // It listens even before it has started: process 1 of a container ignores what nobody listens to.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.once(signal, () => void stop(signal))
  await started
}

async function stop(signal: string) {
  setTimeout(() => process.exit(1), grace + 1_500).unref()
  await (await started).stop(signal)
  process.exit(0)
}

async function start(): Promise<Started> {
  try {
    const env = environment()
    await goThroughProxy(env)
    const read = readConfig(env, namesInFiles)
    if (read.kind === 'refuse') return refuse(read.problems)
    if (read.kind === 'run') return await startBot(read.config)
    const { openSetUp } = await import('./open-set-up.ts')
    return await openSetUp(read, async () => {
      started = start()
      await started
    })
  } catch (error) {
    return refuse([error instanceof Error ? error.message : String(error)])
  }
}

function refuse(problems: string[]): never {
  process.stderr.write(
    `The bot can't start:\n${problems.map(problem => `- ${problem}\n`).join('')}`,
  )
  process.exit(1)
}
