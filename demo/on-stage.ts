/** Opens the stage, and closes it however the process ends: nothing of it stays. */
import { constants } from 'node:os'
import { openStage, type Stage } from './playground/stage.ts'

const closeTimeoutMs = 3_000

/** Until `act` is over; it stays up if that gives `stay`. @param reasonOf what to say of its failure */
export async function onStage(
  act: (stage: Stage) => Promise<'stay' | 'leave'>,
  reasonOf: (error: unknown, stage: Stage | undefined) => string,
): Promise<void> {
  let stage: Stage | undefined
  let closing = false
  const close = async (exitCode: number): Promise<void> => {
    if (closing) return
    closing = true
    setTimeout(() => process.exit(exitCode), closeTimeoutMs)
    await stage?.close().catch(() => undefined)
    process.exit(exitCode)
  }
  const fail = async (error: unknown): Promise<void> => {
    if (!closing) process.stderr.write(`\n${reasonOf(error, stage)}\n`)
    await close(1)
  }
  process.on('exit', () => {
    for (const bot of stage?.world.bots ?? []) bot.signal('SIGKILL')
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void close(128 + constants.signals[signal]))
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, fail)
  // Nobody reads any more, as behind `| head`.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => void close(1))
  try {
    stage = await openStage()
    if ((await act(stage)) === 'leave') await close(0)
  } catch (error) {
    await fail(error)
  }
}
