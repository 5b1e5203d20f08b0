/** The story of the demo: maya comments on an issue, and it is watched until every fact of its end holds. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { GitHubEmulator } from '../emulators/github/github.ts'
import type { Call } from '../emulators/github/ledger.ts'
import type { PullView, ThreadView } from '../emulators/github/threads.ts'
import type { LedgerEntry } from '../emulators/posthog/world.ts'
import type { World } from '../test/world/world.ts'
import { emojiOf, plainLines } from './playground/shown.ts'
import { command, fixesLogin, issue } from './shop.ts'

/** Did not happen: the names of the facts, or the reason. */
export class Missed extends Error {
  readonly missing: readonly string[]

  constructor(missing: readonly string[]) {
    super(`did not happen: ${missing.join('; ')}`)
    this.missing = missing
  }
}

/** @param at ms since the story began */
type Tell = (at: number, what: string, text: readonly string[]) => void

interface Telling {
  /** Epoch ms: what has not happened by then counts as missed. */
  deadline: number
  tell: Tell
}

interface Told {
  /** ms from the comment. */
  times: Record<'eyes' | 'status' | 'result', number>
  path: string
  /** As JSON, without the prompt. */
  request: string
  prompt: string
}

export async function tellStory(world: World, { deadline, tell }: Telling): Promise<Told> {
  const { github, posthog } = world
  const maya = github.as('maya')
  const { number } = await maya.opensIssue(issue)
  posthog.script(command.slice('/codex '.length), fixesLogin(`${github.repository}#${number}`))
  const watch = new Watch(github, number, tell)
  await maya.comments(number, command)
  await Promise.race([allHold(world, number, deadline), death(world)])
  await watch.end()
  const link = (await github.pulls()).at(-1)?.url ?? ''
  const { pending_user_message: prompt, ...request } = Object(runOf(world)?.body)
  return {
    times: timesOf(github.calls, watch.since, link),
    path: posthog.calls.find(({ route, status }) => route === 'run' && status < 300)?.path ?? '',
    request: JSON.stringify(request, null, 2),
    prompt: String(prompt),
  }
}

const runOf = ({ posthog }: World): LedgerEntry | undefined =>
  posthog.ledger.find(({ kind }) => kind === 'run')

async function death({ bot }: World): Promise<never> {
  throw new Missed([`the bot stays alive (it ended with code ${await bot.exited})`])
}

async function missingOf({ github, posthog }: World, number: number): Promise<string[]> {
  const [thread, pulls, branches] = await Promise.all([
    github.thread(number),
    github.pulls(),
    github.branches(),
  ])
  const accepted = (kind: string): number =>
    posthog.ledger.filter(entry => entry.kind === kind).length
  const [made] = pulls
  const facts = {
    'PostHog has exactly one new task': accepted('task') === 1,
    'PostHog has exactly one new run': accepted('run') === 1,
    ...saidFacts(thread, made, github.botLogin),
    'there is one pull request, a draft': pulls.length === 1 && made?.draft === true,
    'its base is main': made?.base === 'main',
    'its description closes the issue': new RegExp(
      `\\bcloses\\s+(?:acme/shop)?#${number}\\b`,
      'i',
    ).test(made?.body ?? ''),
    // The agent's session lives on for an hour after its turn, and the branch of the run goes when that is over.
    'there are main, the branch of the run and the head of its pull request':
      branches.length <= 3 && [made?.head, 'main'].every(name => branches.includes(name ?? '')),
  }
  return Object.entries(facts).flatMap(([what, holds]) => (holds ? [] : [what]))
}

function saidFacts({ comments }: ThreadView, made: PullView | undefined, bot: string) {
  const said = comments.filter(({ author }) => author === bot)
  const link = `](${made?.url ?? '-'})`
  const [status, closing] = said
  const ofBot = comments[0]?.reactions.filter(reaction => reaction.endsWith(` by ${bot}`))
  return {
    'the status comment links the pull request': status?.body.includes(link) === true,
    'a closing comment tells maya':
      closing?.body.startsWith('@maya') === true && closing.body.includes(link),
    'the bot wrote two comments': said.length === 2,
    "maya's comment has 🚀 from the bot, and only that": ofBot?.join() === `rocket by ${bot}`,
  }
}

const calm = 500

/** Waited for, then looked at once more, since things may also happen twice. @param deadline epoch ms */
async function allHold(world: World, number: number, deadline: number): Promise<void> {
  for (;;) {
    await sleep(100)
    const missing = await missingOf(world, number)
    if (missing.length === 0) break
    if (Date.now() > deadline) throw new Missed(missing)
  }
  await sleep(calm)
  const missing = await missingOf(world, number)
  if (missing.length > 0) throw new Missed(missing)
}

/** By the clock of the emulated GitHub, which notes when each call of the bot comes in. */
function timesOf(calls: readonly Call[], since: number, link: string): Told['times'] {
  const after = (matches: (call: Call) => boolean): number => {
    const call = calls.find(call => Date.parse(call.at) >= since && call.effect && matches(call))
    return call ? Date.parse(call.at) - since : Number.NaN
  }
  const says = ({ body }: Call, words: string) => JSON.stringify(body ?? '').includes(words)
  const isComment = ({ path }: Call) => /\/issues\/(?:\d+\/comments|comments\/\d+)$/.test(path)
  return {
    eyes: after(call => call.path.endsWith('/reactions') && says(call, 'eyes')),
    status: after(isComment),
    result: after(call => isComment(call) && says(call, link)),
  }
}

const every = 50

/** Keeps looking at a thread and tells what is new; when nobody has called GitHub since, nothing can be. */
class Watch {
  readonly since = Date.now()
  readonly #github: Pick<GitHubEmulator, 'thread' | 'progress'>
  readonly #number: number
  readonly #tell: Tell
  readonly #looking: Promise<void>
  readonly #seen = new Map<string, string>()
  #over = false

  constructor(github: Pick<GitHubEmulator, 'thread' | 'progress'>, number: number, tell: Tell) {
    this.#github = github
    this.#number = number
    this.#tell = tell
    this.#looking = this.#keepLooking()
  }

  async end(): Promise<void> {
    this.#over = true
    await this.#looking
    await this.#look()
  }

  async #keepLooking(): Promise<void> {
    for (let before = ''; !this.#over; ) {
      const { progress } = this.#github
      if (progress !== before) await this.#look()
      before = progress
      await sleep(every)
    }
  }

  async #look(): Promise<void> {
    const thread = await this.#github.thread(this.#number)
    this.#post('opening', `opens #${thread.number} ${thread.title}`, thread)
    for (const comment of thread.comments) this.#post(`${comment.id}`, 'comments', comment)
  }

  #post(
    key: string,
    verb: string,
    { author, body, reactions }: Pick<ThreadView, 'author' | 'body' | 'reactions'>,
  ) {
    const before = this.#seen.get(key)
    const lines = plainLines(body)
    if (this.#isNew(key, lines.join('\n'))) {
      const old = before?.split('\n') ?? []
      const what = before === undefined ? verb : 'edits the comment'
      this.#tell(
        Date.now() - this.since,
        `${author} ${what}`,
        lines.filter(line => !old.includes(line)),
      )
    }
    const shown = [...new Set(reactions.map(emojiOf))].join(' ')
    if (shown !== '' && this.#isNew(`${key} reactions`, shown))
      this.#tell(Date.now() - this.since, `${shown}  on “${lines[0] ?? ''}”`, [])
  }

  #isNew(key: string, text: string): boolean {
    const isNew = this.#seen.get(key) !== text
    this.#seen.set(key, text)
    return isNew
  }
}
