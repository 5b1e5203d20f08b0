/** After the scenes: the visitor comments, and sees what comes of it. */
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { PEOPLE } from '../emulators/github/seed.ts'
import type { World } from '../test/world/world.ts'
import { death } from './scene.ts'
import { obliging, planning, wantsPlan } from './scenes.ts'
import { type Line, span, tableLines } from './terminal.ts'
import { type Printer, Watch } from './thread-log.ts'

/** ms without a change, after which a thread counts as quiet; ms to wait for that. */
const calmAfter = 1_500
const calmTimeoutMs = 20_000

interface Stay {
  world: World
  printer: Printer
  thread: number
  heading(title: string): Line[]
}

/** Until the visitor leaves. */
export async function stayUp(stay: Stay): Promise<void> {
  const { world, printer } = stay
  world.posthog.script('', obliging)
  world.posthog.script(wantsPlan, planning)
  const byHand = process.stdin.isTTY && process.stdout.isTTY
  const reader = createInterface({
    input: process.stdin,
    output: byHand ? process.stdout : undefined,
    terminal: byHand,
  })
  reader.on('SIGINT', () => reader.close())
  printer.print(...helpLines(printer.cells), [])
  try {
    await Promise.race([new Visit(stay, reader, byHand).run(), death(world)])
  } finally {
    reader.close()
  }
}

/** What is printed stands above the line that is being typed. */
const above = (printer: Printer, reader: Interface, byHand: boolean): Printer => ({
  get cells() {
    return printer.cells
  },
  print(...lines) {
    if (byHand) process.stdout.write('\r\x1b[K')
    printer.print(...lines)
    if (byHand) reader.prompt(true)
  },
})

class Visit {
  readonly #stay: Stay
  readonly #printer: Printer
  readonly #reader: Interface
  readonly #byHand: boolean
  #login = 'maya'
  #watch: Watch

  constructor(stay: Stay, reader: Interface, byHand: boolean) {
    this.#stay = stay
    this.#reader = reader
    this.#byHand = byHand
    this.#printer = above(stay.printer, reader, byHand)
    this.#watch = this.#watching(stay.thread, true)
    this.#ask()
  }

  async run(): Promise<void> {
    for await (const line of this.#reader) {
      const text = line.trim()
      if (text === ':quit') break
      await this.#obey(text).catch((error: unknown) => this.#note(`GitHub refuses: ${message(error)}`))
      if (!this.#byHand && text !== '') await this.#quiet(() => true)
    }
    if (!this.#byHand) await this.#quiet(() => this.#botIsDone())
  }

  async #obey(text: string): Promise<void> {
    const person = this.#stay.world.github.as(this.#login)
    const [, command = '', rest = ''] = /^:(\w*)\s*(.*)$/.exec(text) ?? []
    if (text === '') return this.#ask()
    if (!text.startsWith(':')) return void (await person.comments(this.#watch.number, text))
    if (command === 'label') return person.labels(this.#watch.number, rest || 'codex')
    if (command === 'as' && rest) return this.#become(rest)
    if (command === 'issue' && rest) return this.#go((await person.opensIssue({ title: rest })).number)
    if (command === 'thread' && /^#?\d{1,9}$/.test(rest)) return this.#go(Number(rest.replace('#', '')))
    this.#printer.print(...helpLines(this.#printer.cells), [])
  }

  #become(login: string): void {
    const people = PEOPLE.filter(person => !person.endsWith('[bot]'))
    if (people.includes(login)) this.#login = login
    else this.#note(`Nobody here is called ${login}. There are ${people.join(', ')}.`)
    this.#ask()
  }

  async #go(number: number): Promise<void> {
    await this.#stay.world.github.thread(number)
    await this.#watch.end()
    this.#printer.print(...this.#stay.heading(`#${number}`))
    this.#watch = this.#watching(number, false)
    this.#ask()
  }

  #watching(number: number, known: boolean): Watch {
    return new Watch({ github: this.#stay.world.github, printer: this.#printer, number, known })
  }

  #ask(): void {
    this.#reader.setPrompt(`  ${this.#login} on #${this.#watch.number} › `)
    if (this.#byHand) this.#reader.prompt(true)
  }

  #note(what: string): void {
    this.#printer.print([span(`  ${what}`, 'yellow')], [])
  }

  /** Piped lines come all at once; a person would look first at what the last one did. */
  async #quiet(isOver: () => Promise<boolean> | boolean): Promise<void> {
    const started = Date.now()
    const calm = () => Date.now() - Math.max(started, this.#watch.changedAt) > calmAfter
    while (Date.now() - started < calmTimeoutMs && !(calm() && (await isOver()))) await sleep(100)
  }

  /** While it works, its 👀 stands somewhere. */
  async #botIsDone(): Promise<boolean> {
    const { github } = this.#stay.world
    const { reactions, comments } = await github.thread(this.#watch.number)
    return ![reactions, ...comments.map(comment => comment.reactions)]
      .flat()
      .includes(`eyes by ${github.botLogin}`)
  }
}

const help: readonly (readonly [string, string])[] = [
  ['You type', 'and'],
  ['/codex help', 'what the bot understands'],
  [
    '/codex --effort high clean up the login',
    'goes on with the work; anything else you type is a plain comment',
  ],
  ['/codex plan how to test the login', 'reads only, answers with a plan; then /codex approve'],
  ['/codex stop', 'while a run is going'],
  [':as rita', 'be olga (admin), mario (maintain), maya (write), theo (triage), rita (read) or eve (nobody)'],
  [':label', 'put the label codex on the thread; or :label codex:plan, codex:high …'],
  [':issue Title', 'open a new issue and go there'],
  [':thread 3', 'go to another thread'],
  [':quit', 'or Ctrl-D, or Ctrl-C'],
]

const helpLines = (cells: number): Line[] =>
  tableLines(
    help.map(([what, about]) => [[span(what, 'cyan')], [span(about)]]),
    cells - 2,
  ).map(line => [span('  '), ...line])

/** GitHub's own words, out of the emulator's error. */
const message = (error: unknown): string =>
  /"message":"([^"]+)"/.exec(String(error))?.[1] ?? (error instanceof Error ? error.message : String(error))
