/** However the demo ends, by itself, by a signal, by an error: nothing of it stays. */
import { constants } from 'node:os'
import type { World } from '../../test/world/world.ts'

const patience = 3_000

export class Curtain {
  #world: World | undefined
  #falling = false

  constructor(onError: (error: unknown) => void) {
    process.on('exit', () => this.#kill())
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => void this.fall(128 + constants.signals[signal]))
    for (const event of ['uncaughtException', 'unhandledRejection'] as const)
      process.on(event, (error: unknown) => {
        if (!this.#falling) onError(error)
        void this.fall(1)
      })
    // Nobody reads any more, as behind `| head`.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => void this.fall(1))
  }

  hangsOver(world: World): void {
    this.#world = world
  }

  async fall(exitCode: number): Promise<void> {
    if (this.#falling) return
    this.#falling = true
    setTimeout(() => process.exit(exitCode), patience)
    await this.#world?.close().catch(() => undefined)
    process.exit(exitCode)
  }

  #kill(): void {
    for (const bot of this.#world?.bots ?? []) bot.signal('SIGKILL')
  }
}
