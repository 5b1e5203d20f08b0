/** Keeps looking at a thread and shows it whenever it changed; when nobody has called GitHub since, it can't have. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { GitHubEmulator } from '../emulators/github/github.ts'
import type { ThreadView } from '../emulators/github/threads.ts'
import type { Screen } from './screen.ts'
import { type Story, tell } from './story.ts'

const every = 50

type Watchable = Pick<GitHubEmulator, 'thread' | 'progress'>

interface Watched {
  github: Watchable
  screen: Screen
  number: number
  /** The reader has seen the thread as it is now. */
  known?: boolean
}

export class Watch {
  readonly number: number
  /** Epoch ms, from which the times of the story count. */
  since: number
  changedAt = Date.now()
  readonly #github: Watchable
  readonly #screen: Screen
  readonly #looking: Promise<void>
  readonly #known: boolean
  #over = false
  #seen = ''
  #story: Story | undefined

  constructor({ github, screen, number, known = false }: Watched) {
    this.#github = github
    this.#known = known
    this.#screen = screen
    this.number = number
    this.since = Date.now()
    this.#looking = this.#keepLooking()
  }

  startClock(): void {
    this.since = Date.now()
  }

  async end(): Promise<void> {
    this.#over = true
    await this.#looking
    this.#show(await this.#github.thread(this.number))
    this.#screen.close()
  }

  async #keepLooking(): Promise<void> {
    for (let before = ''; !this.#over; ) {
      const { progress } = this.#github
      if (progress !== before) this.#show(await this.#github.thread(this.number))
      before = progress
      await sleep(every)
    }
  }

  #show(thread: ThreadView): void {
    const seen = JSON.stringify(thread)
    if (seen === this.#seen) return
    this.#seen = seen
    this.changedAt = Date.now()
    const before = this.#story
    const story = tell(before, thread, Date.now() - this.since)
    this.#story = story
    if (!before && this.#known) this.#screen.resume(story)
    else this.#screen.show(story)
  }
}
