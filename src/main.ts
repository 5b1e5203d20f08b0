/** Reads the environment, starts the bot or the set-up page, and stops on a signal. */
import { grace, type Started, startBot } from './bot.ts'
import { type Read, readConfig } from './config.ts'
import { environment, startedByNpm } from './process-environment.ts'
import { goThroughProxy } from './proxy.ts'

let started = start()
// Before it has started, too: process 1 of a container ignores what nobody listens to.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => void stop(signal))
await started

if (startedByNpm()) stopWithParent(process.ppid)

/** Ends with npm: one that is killed outright would leave the bot running. */
function stopWithParent(parent: number): void {
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    void stop('npm is gone')
  }, 250)
  watch.unref()
}

async function stop(signal: string): Promise<void> {
  setTimeout(() => process.exit(1), grace + 1_500).unref()
  await (await started).stop(signal)
  process.exit(0)
}

async function start(): Promise<Started> {
  try {
    const env = environment()
    await goThroughProxy(env)
    return await startAs(readConfig(env))
  } catch (error) {
    return refuse([error instanceof Error ? error.message : String(error)])
  }
}

async function startAs(read: Read): Promise<Started> {
  switch (read.kind) {
    case 'refuse':
      return refuse(read.problems)
    case 'set-up': {
      const { openSetUp } = await import('./open-set-up.ts')
      return openSetUp(read.given, goOn)
    }
    case 'run':
      return startBot(read.config)
  }
}

function refuse(problems: string[]): never {
  process.stderr.write(`The bot can't start:\n${problems.map(problem => `- ${problem}\n`).join('')}`)
  process.exit(1)
}

async function goOn(): Promise<void> {
  started = start()
  await started
}
