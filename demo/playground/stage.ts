/** What the playground plays with: the real bot on both emulators, who acts, what the agent does, and what time it is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Person } from '../../emulators/github/people.ts'
import { PEOPLE } from '../../emulators/github/seed.ts'
import type { Behaviour } from '../../emulators/posthog/behaviour.ts'
import type { RunControl } from '../../emulators/posthog/run-control.ts'
import { ledgerOf } from '../../test/world/calls.ts'
import { startWorld, type World } from '../../test/world/world.ts'
import { doubts, files, issue, pull, settings, timing } from '../shop.ts'

export const people: Readonly<Record<string, string>> = {
  olga: 'admin',
  mario: 'maintainer',
  maya: 'contributor, may write',
  theo: 'may triage',
  rita: 'may read',
  eve: 'stranger',
  'posthog[bot]': 'bot, may write',
  'coderabbitai[bot]': 'bot that reviews',
}

const done =
  'I am a scripted agent, so I only say that it is done: `src/login.ts` waits for the redirect.'
const answers: Behaviour = { kind: 'answers', delay: 3_000, text: done }

/** What the agent does with a turn; the last one only makes sense in the middle of one. */
export const behaviours = {
  pull: {
    name: 'opens a pull request and talks on',
    does: {
      kind: 'opensPull',
      delay: 6_000,
      text: 'I am a scripted agent, so I wrote one file and no more: enough to see the way of a change.',
    },
  },
  pushes: {
    name: 'pushes to the branch',
    does: {
      kind: 'slow',
      ms: 3_000,
      next: { kind: 'pushesToBranch', text: 'I am a scripted agent, and pushed one file.' },
    },
  },
  answers: { name: 'answers', does: answers },
  asks: {
    name: 'asks a question',
    does: {
      kind: 'asksPermission',
      question: 'There are two login tests. Which one do you mean?',
      choices: ['test/login.test.ts', 'legacy/login.test.ts'],
      next: answers,
    },
  },
  fails: {
    name: 'fails',
    does: { kind: 'fails', message: 'The usage limit of the model is reached' },
  },
  hangs: { name: 'hangs', does: { kind: 'hangs' } },
  sandbox: {
    name: 'loses its sandbox',
    does: { kind: 'stopsShort', by: 'sandbox_gone', after: 500 },
  },
  ends: { name: 'ends its turn', does: { kind: 'answers', delay: 0, text: done } },
} as const satisfies Record<string, { name: string; does: Behaviour }>

export type BehaviourName = keyof typeof behaviours

export const isBehaviour = (name: string): name is BehaviourName => Object.hasOwn(behaviours, name)

const plan: Behaviour = {
  kind: 'answers',
  delay: 2_000,
  text: '1. Find where the test waits: `test/login.test.ts`\n2. Wait for the redirect instead of 200 ms\n3. Run the test 50 times\n\nUncertain: whether other tests sleep as well.',
}
const answer: Behaviour = {
  kind: 'answers',
  delay: 1_000,
  text: 'The test waits 200 ms for the session, and on a busy machine that is not enough: `test/login.test.ts`, line 12.',
}
const review: Behaviour = {
  kind: 'answers',
  delay: 2_000,
  text: `I am a scripted agent, so I have one doubt and no more.\n\n\`\`\`findings\n${JSON.stringify(doubts)}\n\`\`\``,
}
/** What the bot writes to the agent when only a plan is wanted, or an answer, or a review. */
const wantsPlan = 'numbered plan'
const wantsAnswer = 'Answer the question'
const wantsReview = 'whose fence says `findings`'

type ProcessState = 'starts' | 'runs' | 'stopped'

export class Stage {
  readonly world: World
  person = 'maya'
  next: BehaviourName = 'pull'
  process: ProcessState = 'stopped'
  /** What it does not hear of, GitHub is asked for. */
  wasKilled = false
  /** How many calls there were when somebody did something last. */
  before = { github: 0, posthog: 0 }
  readonly #clock: string
  #ahead = 0
  #changes = 0

  /** @param clock the file that both processes have their time from, in a folder of its own */
  constructor(world: World, clock: string) {
    this.world = world
    this.#clock = clock
    this.does(this.next)
  }

  get me(): Person {
    return this.world.github.as(this.person)
  }

  /** Another text whenever the page may look different. */
  get progress(): string {
    const { github, posthog } = this.world
    const runs = posthog.runs().map(run => `${run.status} ${run.turnGoesOn}`)
    return [
      this.#changes,
      github.progress,
      posthog.calls.length,
      posthog.ledger.length,
      ...runs,
    ].join(' ')
  }

  /** Somebody does something: calls are counted from here. */
  act(): void {
    this.before = {
      github: this.world.github.calls.length,
      posthog: this.world.posthog.calls.length,
    }
    this.#changes += 1
  }

  become(login: string): void {
    if (PEOPLE.includes(login)) this.person = login
    this.#changes += 1
  }

  /** With every turn from now on. */
  does(name: BehaviourName): void {
    const { posthog } = this.world
    this.next = name
    posthog.clearScripts()
    posthog.script('', behaviours[name].does)
    if (name === 'pull') {
      posthog.script(wantsPlan, plan)
      posthog.script(wantsAnswer, answer)
      posthog.script(wantsReview, review)
    }
    this.#changes += 1
  }

  /** The newest PostHog run of a thread. */
  runOf(number: number): RunControl | undefined {
    const runId = ledgerOf(this.world, number).runs.at(-1)?.runId
    return runId === undefined ? undefined : this.world.posthog.run(runId)
  }

  /** @param ms forward, for the bot and both emulators */
  moveClock(ms: number): void {
    this.#ahead += ms
    writeFileSync(this.#clock, String(this.#ahead))
  }

  kill(): void {
    this.wasKilled = true
    this.world.bot.signal('SIGKILL')
  }

  async startBot(): Promise<void> {
    if (this.process !== 'stopped') return
    this.process = 'starts'
    this.#changes += 1
    try {
      const bot = await this.world.startBot()
      this.process = 'runs'
      void bot.exited.then(() => this.#stopped())
    } catch (error) {
      this.#stopped()
      throw error
    } finally {
      this.#changes += 1
    }
  }

  #stopped(): void {
    this.process = 'stopped'
    this.#changes += 1
  }

  async close(): Promise<void> {
    await this.world.close()
    rmSync(dirname(this.#clock), { recursive: true, force: true })
  }
}

/** The emulators and the bot, with a repository that has something to do. */
export async function openStage(): Promise<Stage> {
  const clock = join(mkdtempSync(join(tmpdir(), 'playground-')), 'clock')
  writeFileSync(clock, '0')
  process.env.CLOCK_FILE = clock
  const preload = new URL('passing-time.js', import.meta.url)
  await import(preload.href)
  const env = { CLOCK_FILE: clock, NODE_OPTIONS: `--import ${preload.href}` }
  const world = await startWorld({ roles: [], env, posthog: { timing } })
  await world.github.as('maya').pushes('main', { ...files, ...settings }, 'A shop with a login')
  const stage = new Stage(world, clock)
  await stage.startBot()
  return stage
}

/** An issue, a pull request, and one from a fork. */
export async function furnish({ world: { github } }: Stage): Promise<void> {
  const maya = github.as('maya')
  await maya.opensIssue(issue)
  await maya.pushes(pull.branch, pull.files, pull.message)
  await maya.opensPull({ head: pull.branch, title: pull.title, body: pull.body })
  await github.openForkPull({
    title: 'Say hello',
    body: 'From my fork.',
    files: { 'hello.txt': 'Hello\n' },
  })
}
