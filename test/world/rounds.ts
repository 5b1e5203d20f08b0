/**
 * Holds every call of the bot back, at GitHub and at PostHog, so that a story sees which of them are under way together
 * and which must wait for others: how long a chain is, whatever the machine does meanwhile.
 */
import { isChore, nameOfCall } from './calls.ts'
import type { World } from './world.ts'

/** Before the bot gives up on an answer by itself. */
const giveUpAfterMs = 13_000

const token = 'POST app/installations/access_tokens'

interface Waiting {
  names: string
  met: () => void
}

export class Rounds {
  readonly #held: { name: string; go: () => void }[] = []
  readonly #end: () => void
  #waiting: Waiting | undefined
  #isOpen = false

  /** @param passes by name, what is let through: what may still come of an earlier run */
  constructor({ github, posthog }: World, passes = /^$/) {
    const times = Number.POSITIVE_INFINITY
    const atGitHub = github.fault({
      path: '',
      times,
      fault: { kind: 'held', until: async call => isChore(call) || this.#hold(nameOfCall(call)) },
    })
    const atPostHog = posthog.fault({
      times,
      fault: {
        kind: 'held',
        until: ({ method, path }) => {
          const below = path.replace(/^\/api\/projects\/[^/]+/, '')
          const name = `PostHog: ${nameOfCall({ method, path: below, body: undefined })}`
          return passes.test(name) ? Promise.resolve() : this.#hold(name)
        },
      },
    })
    this.#end = () => {
      atGitHub.cancel()
      atPostHog.cancel()
    }
  }

  /** Waits until exactly these are under way, and lets them through. */
  async next(...names: string[]): Promise<void> {
    const wanted = names.toSorted().join('\n')
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((met, reject) => {
      const inVain = () =>
        reject(new Error(`waited for\n${wanted}\n\nbut under way are\n${this.#names()}`))
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
    if (this.#isOpen) return
    await new Promise<void>(go => {
      this.#held.push({ name, go })
      this.#look()
    })
  }

  #look(): void {
    // A token is asked for once in a while, whatever it is for.
    if (this.#waiting && !this.#waiting.names.includes(token)) this.#letThrough(token)
    if (this.#waiting && this.#names() === this.#waiting.names) this.#waiting.met()
  }

  #names(): string {
    return this.#held
      .map(({ name }) => name)
      .toSorted()
      .join('\n')
  }

  #letThrough(only?: string): void {
    for (const each of this.#held.splice(0))
      if (only === undefined || each.name === only) each.go()
      else this.#held.push(each)
  }
}
