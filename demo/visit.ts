/** After the scenes: the visitor comments, and sees what comes of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PEOPLE } from '../emulators/github/seed.ts'
import type { World } from '../test/world/world.ts'
import { obliging, planning, wantsPlan } from './cast.ts'
import { span } from './ink.ts'
import { heading } from './playbill.ts'
import { openPrompt, type Prompt } from './prompt.ts'
import { death } from './scene.ts'
import type { Screen } from './screen.ts'
import { helpLines, type Typed, typed } from './typed.ts'
import { Watch } from './watch.ts'

/** ms without a change, after which a thread counts as quiet; ms to wait for that. */
const calmAfter = 1_500
const giveUpAfterMs = 20_000

interface CommentRef {
  world: World
  screen: Screen
  thread: number
}

/** Until the visitor leaves. */
export async function stayUp(place: CommentRef): Promise<void> {
  const { world, screen } = place
  world.posthog.script('', obliging)
  world.posthog.script(wantsPlan, planning)
  const prompt = openPrompt(process.stdin, process.stdout)
  screen.print(...helpLines(screen.cells), [])
  screen.close()
  screen.standOn?.(prompt)
  try {
    await Promise.race([new Visit(place, prompt).run(), death(world)])
  } finally {
    prompt.close()
  }
}

class Visit {
  readonly #world: World
  readonly #screen: Screen
  readonly #prompt: Prompt
  #login = 'maya'
  #watch: Watch

  constructor({ world, screen, thread }: CommentRef, prompt: Prompt) {
    this.#world = world
    this.#screen = screen
    this.#prompt = prompt
    this.#watch = new Watch({ github: world.github, screen, number: thread, known: true })
    this.#ask()
  }

  async run(): Promise<void> {
    for await (const line of this.#prompt.lines) {
      const said = typed(line)
      if (said.is === 'quit') break
      await this.#obey(said).catch((error: unknown) => this.#note(`GitHub refuses: ${message(error)}`))
      if (!this.#prompt.byHand && said.is !== 'nothing') await this.#quiet(() => true)
    }
    if (!this.#prompt.byHand) await this.#quiet(() => this.#botIsDone())
  }
  async #obey(said: Typed): Promise<void> {
    const person = this.#world.github.as(this.#login)
    switch (said.is) {
      case 'comment':
        return void (await person.comments(this.#watch.number, said.text))
      case 'label':
        return person.labels(this.#watch.number, said.label)
      case 'as':
        return this.#become(said.login)
      case 'issue':
        return this.#go((await person.opensIssue({ title: said.title })).number)
      case 'thread':
        return this.#go(said.number)
      case 'help':
        return this.#screen.print(...helpLines(this.#screen.cells), [])
      default:
    }
  }

  #become(login: string): void {
    const people = PEOPLE.filter(person => !person.endsWith('[bot]'))
    if (people.includes(login)) this.#login = login
    else this.#note(`Nobody here is called ${login}. There are ${people.join(', ')}.`)
    this.#ask()
  }

  async #go(number: number): Promise<void> {
    const { github } = this.#world
    await github.thread(number)
    await this.#watch.end()
    this.#screen.print(...heading(`#${number}`, this.#screen.cells))
    this.#screen.close()
    this.#watch = new Watch({ github, screen: this.#screen, number })
    this.#ask()
  }

  #ask(): void {
    this.#prompt.ask(`  ${this.#login} on #${this.#watch.number} › `)
  }

  #note(what: string): void {
    this.#screen.print([span(`  ${what}`, 'yellow')], [])
  }

  /** Piped lines come all at once; a person would look first at what the last one did. */
  async #quiet(isOver: () => Promise<boolean> | boolean): Promise<void> {
    const started = Date.now()
    const calm = () => Date.now() - Math.max(started, this.#watch.changedAt) > calmAfter
    while (Date.now() - started < giveUpAfterMs && !(calm() && (await isOver()))) await sleep(100)
  }

  /** While it works, its 👀 stands somewhere. */
  async #botIsDone(): Promise<boolean> {
    const { github } = this.#world
    const { reactions, comments } = await github.thread(this.#watch.number)
    return ![reactions, ...comments.map(comment => comment.reactions)]
      .flat()
      .includes(`eyes by ${github.botLogin}`)
  }
}

/** GitHub's own words, out of the emulator's error. */
const message = (error: unknown): string =>
  /"message":"([^"]+)"/.exec(String(error))?.[1] ?? (error instanceof Error ? error.message : String(error))
