/**
 * Holds every call of the bot back, at GitHub and at PostHog, so that a story sees which of them are under way together
 * and which must wait for others: how long a chain is, whatever the machine does meanwhile.
 */
import { nameOfCall } from './calls.ts'
import type { World } from './world.ts'

/** Before the bot gives up on an answer by itself. */
const giveUpAfterMs = 13_000

interface Waiting {
  names: string
  met: () => void
}

export class Rounds {
  readonly #held: { name: string; go: () => void }[] = []
  readonly #passing: RegExp
  readonly #end: () => void
  #waiting: Waiting | undefined
  #isOpen = false

  /** @param passing the names of calls that are let through at once */
  constructor({ github, posthog }: World, passing: RegExp) {
    this.#passing = passing
    const until = (call: { method: string; path: string; body?: unknown }, of: string) =>
      this.#hold(of + nameOfCall({ body: undefined, ...call }))
    const atGitHub = github.fault({
      path: '',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'held', until: call => until(call, '') },
    })
    const atPostHog = posthog.fault({
      times: Number.POSITIVE_INFINITY,
      fault: {
        kind: 'held',
        until: ({ method, path }) =>
          until({ method, path: path.replace(/^\/api\/projects\/[^/]+/, '') }, 'PostHog: '),
      },
    })
    this.#end = () => {
      atGitHub.cancel()
      atPostHog.disarm()
    }
  }

  /** Waits until exactly these are under way, and lets them through. */
  async next(...names: string[]): Promise<void> {
    const wanted = names.toSorted().join('\n')
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((met, reject) => {
      const inVain = () => reject(new Error(`waited for\n${wanted}\n\nbut under way are\n${this.#names()}`))
      timer = setTimeout(inVain, giveUpAfterMs)
      this.#waiting = { names: wanted, met }
      this.#look()
    }).finally(() => {
      clearTimeout(timer)
      this.#waiting = undefined
    })
    this.#letThrough()
  }

  /** From now on nothing is held any more. */
  open(): void {
    this.#isOpen = true
    this.#end()
    this.#letThrough()
  }

  async #hold(name: string): Promise<void> {
    if (this.#isOpen || this.#passing.test(name)) return
    await new Promise<void>(go => {
      this.#held.push({ name, go })
      this.#look()
    })
  }

  #look(): void {
    if (this.#waiting && this.#names() === this.#waiting.names) this.#waiting.met()
  }

  #names(): string {
    return this.#held
      .map(({ name }) => name)
      .toSorted()
      .join('\n')
  }

  #letThrough(): void {
    for (const { go } of this.#held.splice(0)) go()
  }
}
