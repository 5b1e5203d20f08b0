/** The real bot as a real process, the way `npm start` runs it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { newDataDir } from '../support/data-dir.ts'

/** For who keeps the logs of a test that is red. */
let started: (bot: Bot) => unknown = () => {}
export const onBotStart = (then: typeof started): void => {
  started = then
}

export class Bot {
  readonly url: string
  readonly port: number
  #output = ''
  readonly #words = new EventEmitter()
  readonly #process: ChildProcess
  readonly #exited: Promise<number | null>

  constructor(process: ChildProcess, port: number) {
    this.#process = process
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    started(this)
    this.#exited = new Promise(resolve => process.once('close', code => resolve(code)))
    for (const stream of [process.stdout, process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        this.#words.emit('more')
      })
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  get exited(): Promise<number | null> {
    return this.#exited
  }

  output(): string {
    return this.#output
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Nobody reads its output any more. */
  hangsUp(): void {
    this.#process.stdout?.destroy()
    this.#process.stderr?.destroy()
  }

  /** @returns the exit code */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#process.kill(signal)
    return this.#exited
  }

  /** Waits for words in its output. */
  async says(pattern: RegExp, timeout = 150_000): Promise<string> {
    const giveUp = AbortSignal.timeout(timeout)
    for (;;) {
      const found = pattern.exec(this.output())
      if (found) return found[0]
      try {
        await Promise.race([once(this.#words, 'more', { signal: giveUp }), this.#ended()])
      } catch {
        throw new Error(`the bot did not say ${pattern}:\n${this.output()}`)
      }
    }
  }

  async ready(timeout = 150_000): Promise<this> {
    const deadline = Date.now() + timeout
    await this.says(/(?<!not )\bready\b/, timeout)
    while (Date.now() < deadline) {
      const asked = fetch(`${this.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (await Promise.race([asked, this.#ended()])) return this
      await new Promise(resolve => setTimeout(resolve, 25))
    }
    throw new Error(`the bot is not ready:\n${this.output()}`)
  }

  async #ended(): Promise<never> {
    const code = await this.#exited
    throw new Error(`the bot ended with the exit code ${code}:\n${this.output()}`)
  }
}

/** What `npm start` runs; the tests, which start many, run the same code in fewer files. */
const entry = process.env.BOT_ENTRY ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Root without the right to pass over what the modes of files forbid: it may read this checkout, wherever it is. */
const heedingModes =
  process.getuid?.() === 0
    ? [
        'setpriv',
        '--inh-caps=-dac_override,-dac_read_search',
        '--bounding-set=-dac_override,-dac_read_search',
      ]
    : []

/** The build is made once before. */
export function spawnBot(
  env: Record<string, string>,
  port: number,
  cwd = tmpdir(),
  { heedsModes = false, args = [entry] } = {},
): Bot {
  const [command = '', ...all] = [...(heedsModes ? heedingModes : []), process.execPath, ...args]
  const child = spawn(command, all, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOST: '127.0.0.1', ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new Bot(child, port)
}

/** A folder with a new embedded queue, gone afterwards. */
export async function scratchDir(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await newDataDir()
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
