/** However the demo ends, by itself, by a signal, by an error: nothing of it stays, and a failure has its reason. */
import { constants } from 'node:os'
import type { World } from '../test/world/world.ts'
import { Missed } from './facts.ts'

/** ms for everything to close. */
const giveUpAfterMs = 3_000
const logTail = 15

export class Curtain {
  #world: World | undefined
  #falling = false

  constructor() {
    process.on('exit', () => this.#kill())
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => void this.fall(128 + constants.signals[signal]))
    for (const event of ['uncaughtException', 'unhandledRejection'] as const)
      process.on(event, (error: unknown) => void this.fail(error))
    // Nobody reads any more, as behind `| head`.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => void this.fall(1))
  }

  hangsOver(world: World): void {
    this.#world = world
  }

  async fall(exitCode: number): Promise<void> {
    if (this.#falling) return
    this.#falling = true
    setTimeout(() => process.exit(exitCode), giveUpAfterMs)
    await this.#world?.close().catch(() => undefined)
    process.exit(exitCode)
  }

  async fail(error: unknown): Promise<void> {
    if (!this.#falling)
      process.stderr.write(`\n${reason(error)}\n${error instanceof Missed ? this.#lastLog() : ''}`)
    await this.fall(1)
  }

  #lastLog(): string {
    const lines = this.#world?.bots.at(-1)?.output().trimEnd().split('\n').slice(-logTail) ?? []
    return lines.length > 0 ? `\nThe end of the bot's log:\n${lines.join('\n')}\n` : ''
  }

  #kill(): void {
    for (const bot of this.#world?.bots ?? []) bot.signal('SIGKILL')
  }
}

function reason(error: unknown): string {
  if (error instanceof Missed)
    return `✗ The demo failed. This did not happen:\n${error.missing.map(fact => `  - ${fact}`).join('\n')}`
  return `✗ The demo failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
