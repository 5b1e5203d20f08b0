/**
 * Throws hostile payloads at the bot and judges what came of them: it does not break, nobody starts a run who
 * may not, no secret and no mention gets out. Each world has a number; the same number is the same world again.
 */
import { mayAct, type Role } from '../../src/core/model/command-grammar.ts'
import type { Run } from '../../src/core/record/run.ts'
import { disarm } from '../../src/core/text/safe-markdown.ts'
import { type Random, randomOf } from '../chaos/random.ts'
import { said as written } from '../core/given.ts'
import { actedOn } from './as-github.ts'
import {
  configured,
  type Payload,
  payloadOf,
  people,
  repetition,
  secrets,
  wordsOf,
} from './hostile.ts'
import { MemoryBot, signatureOf } from './memory-bot.ts'

export interface Fuzzed {
  inputs: number
  /** How many runs were started, comments written, and payloads taken, so that nobody takes silence for safety. */
  runs: number
  comments: number
  taken: number
  /** The most CPU time that one job or delivery took, in milliseconds: so long the event loop was held. */
  held: number
  findings: string[]
}

/** Thrown at one bot, one after another. */
const payloadsPerWorld = 3

/** @param tell is told now and then how far it is */
export async function fuzz(
  { seed, inputs }: { seed: number; inputs: number },
  tell: (so: Pick<Fuzzed, 'inputs' | 'findings'>) => void = () => {},
): Promise<Fuzzed> {
  const sum: Fuzzed = { inputs: 0, runs: 0, comments: 0, taken: 0, held: 0, findings: [] }
  const strayed = (error: unknown): void =>
    void sum.findings.push(`unhandled rejection: ${shown(error)}`)
  process.on('unhandledRejection', strayed)
  try {
    for (let n = seed; sum.inputs < inputs; n += 1) {
      const world = await live(n)
      sum.inputs += payloadsPerWorld
      sum.runs += world.runs
      sum.comments += world.comments
      sum.taken += world.taken
      sum.held = Math.max(sum.held, world.held)
      sum.findings.push(...world.findings.map(finding => `world ${n}: ${finding}`))
      if (n % 1_000 === 0) tell(sum)
    }
    await new Promise(resolve => setImmediate(resolve))
  } finally {
    process.off('unhandledRejection', strayed)
  }
  return sum
}

interface Rules {
  text: string
  /** Whether the settings let somebody start a run. */
  may(login: string): boolean
}

const roleOf = (login: string) => new Map<string, Role>(Object.entries(people)).get(login) ?? 'none'
const atLeast =
  (least: Role): Rules['may'] =>
  login =>
    mayAct(roleOf(login), least)

/** Said twice, here and in the settings, so that one judges the other. */
const rules: readonly Rules[] = [
  { text: '', may: atLeast('write') },
  {
    text: "allow: {users: ['rita:16']}",
    may: login => login === 'rita' || atLeast('write')(login),
  },
  {
    text: 'permissions: {run: maintain, plan: maintain, continue: maintain, retry: maintain, approve: maintain}',
    may: atLeast('maintain'),
  },
  { text: "allow: {users: ['*']}", may: atLeast('write') },
  { text: 'labels: [', may: atLeast('write') },
  {
    text: 'labels: {docs: {plan: true, instruction: "Docs, @sam! Fixes #7"}}',
    may: atLeast('write'),
  },
]

/** Some texts of a job, each at most 50 ms, on a machine that others work on, too. */
const maxHeld = 500

interface World extends Omit<Fuzzed, 'inputs'> {}

async function live(n: number): Promise<World> {
  const random = randomOf(n, 'fuzz')
  const rule =
    random.next() < 0.03
      ? { text: repetition(random, 200_000), may: atLeast('write') }
      : random.one(rules)
  const bot = new MemoryBot({
    isTimed: true,
    secrets: configured,
    roles: { ...people, ghost: undefined },
    settings: rule.text,
    agent: {
      says: wordsOf(random, 255_000),
      opens: random.next() < 0.4,
      pushes: random.next() < 0.4,
      fails: random.next() < 0.1,
    },
    branches: { 'maya/login': 'b'.repeat(40), 'a`b': 'c'.repeat(40), 'x)GH-7': 'b'.repeat(40) },
    before: [
      written(wordsOf(random), { author: 'maya', createdAt: 0, updatedAt: 0 }),
      written(`order of a stranger ${wordsOf(random)}`, {
        author: 'stranger',
        createdAt: 0,
        updatedAt: 0,
      }),
    ],
    inline: [
      {
        id: 1,
        path: wordsOf(random).slice(0, 4_000),
        line: 1,
        hunk: wordsOf(random),
        body: wordsOf(random),
        author: 'maya',
      },
    ],
  })
  const statuses: number[] = []
  const said = new Set<string>()
  const broke: string[] = []
  for (let count = 0; count < payloadsPerWorld; count += 1) {
    const input = payloadOf(random)
    const sender = senderOf(input)
    if (sender !== undefined) said.add(sender)
    try {
      statuses.push(await throwAt(bot, random, input))
      if (random.next() < 0.8) await bot.settle()
    } catch (error) {
      broke.push(`broke: ${shown(error)}`)
    }
  }
  await bot.settle().catch(error => broke.push(`broke: ${shown(error)}`))
  return {
    runs: bot.runs.size,
    comments: bot.comments.length,
    taken: statuses.filter(status => status === 202).length,
    held: bot.held,
    findings: [
      ...broke,
      ...statuses
        .filter(status => ![200, 202, 400, 401].includes(status))
        .map(
          status =>
            `answered ${status}: ${bot.logs.find(line => line.includes('not queued'))?.slice(0, 400)}`,
        ),
      ...(bot.held > maxHeld ? [`held the event loop for ${bot.held} ms`] : []),
      ...uninvited(bot, rule),
      ...leaks(bot),
      ...calls(bot, said),
      ...orders(bot),
    ],
  }
}

const shown = (error: unknown) =>
  (error instanceof Error ? (error.stack ?? error.message) : String(error)).slice(0, 600)

/** Now and then with a signature that is none. */
async function throwAt(
  bot: MemoryBot,
  random: Random,
  { event, payload }: Payload,
): Promise<number> {
  const body = random.next() < 0.02 ? wordsOf(random) : JSON.stringify(payload)
  const forged = random.next() < 0.05
  const before = bot.triggers.size
  const signature = forged
    ? random.one(['', 'sha256=', signatureOf(body, 'development'), wordsOf(random)])
    : signatureOf(body)
  const status = await bot.deliver({ event, body, signature })
  if (forged && (![400, 401].includes(status) || bot.triggers.size > before))
    throw new Error(`a forged delivery got ${status}`)
  return status
}

function senderOf({ payload }: Payload): string | undefined {
  if (typeof payload !== 'object' || payload === null || !('sender' in payload)) return undefined
  const { sender } = payload
  const login =
    typeof sender === 'object' && sender !== null && 'login' in sender ? sender.login : undefined
  return typeof login === 'string' ? login : undefined
}

/** Runs of people who may not. */
function uninvited(bot: MemoryBot, { may }: Rules): string[] {
  const runs: Run[] = [...bot.runs.values()].map(({ data }) => data)
  return runs
    .filter(({ request: { by } }) => !may(by.login))
    .map(({ request: { by } }) => `a run by ${JSON.stringify(by)}`)
}

/** Escapes and what keeps GitHub from acting are none of a secret. */
const bare = (text: string) => text.replace(/[\\\u200b]/g, '')
const bareSecrets = secrets.map(bare)

function leaks(bot: MemoryBot): string[] {
  const places = {
    comment: bot.bodies(),
    marker: bot.comments.flatMap(({ body }) => markersIn(body)),
    prompt: bot.prompts,
    'pull request': bot.opened.map(({ title, body }) => `${title}\n${body}`),
    task: bot.tasks.map(({ title, description }) => `${title}\n${description}`),
    log: bot.logs,
    record: bot.kept,
  }
  return Object.entries(places).flatMap(([place, texts]) => {
    const all = bare(texts.join('\n'))
    return bareSecrets
      .filter(secret => all.includes(secret))
      .map(secret => `${secret.slice(0, 6)}… in a ${place}: ${around(all, secret)}`)
  })
}

/** What our own markers say, once they are read. */
const markersIn = (body: string) =>
  [...body.matchAll(/<!-- codex-run:([\w-]+)\./g)].map(([, payload = '']) =>
    Buffer.from(payload, 'base64url').toString(),
  )

const around = (text: string, secret: string) =>
  JSON.stringify(text.slice(Math.max(0, text.indexOf(secret) - 80), text.indexOf(secret) + 20))

/** What the comments would have GitHub do, but for naming who asked and linking our own. */
function calls(bot: MemoryBot, said: ReadonlySet<string>): string[] {
  const titles = bot.opened
    .filter(({ title }) => disarm(title) !== title)
    .map(({ title }) => `a title acts: ${title}`)
  const bodies = bot.opened.flatMap(({ body }) =>
    actedOn(
      body
        .replace(/^Closes #7$/m, '')
        .replace('acme/shop#7;', '')
        .replace(ourHtml, ''),
    ).map(act => `a pull request acts: ${act} in ${body}`),
  )
  const comments = bot.comments.flatMap(({ body }) => {
    const acts = actedOn(withoutOurs(body, said)).filter(
      act => act !== 'words #20' && !ourLink.test(act),
    )
    if (/\n\s+at .+:\d+:\d+|log_url/.test(body)) return [`a comment tells too much: ${body}`]
    return acts.length === 0
      ? []
      : [`a comment acts: ${acts[0]} in ${JSON.stringify(body.slice(0, 600))}`]
  })
  return [...titles, ...bodies, ...comments]
}

const ourHtml =
  /<details><summary>(?:All commands, options and reactions|Details|All that Codex said|The rest of what Codex said)<\/summary>|^<\/details>$|^<sub>|<\/sub>$|^<!-- -->$|<!-- codex-box:(?:stop|retry|approve) -->$|<!-- codex-run:[\w.-]+ -->$|^#8 has no failed checks/gm
const ourLink =
  /^link .* → https:\/\/(?:us\.posthog\.com\/project\/42\/tasks\/|github\.com\/acme\/shop\/(?:(?:tree|commit)\/|pull\/20$|(?:issues|pull)\/\d#(?:issuecomment-|pullrequestreview-|discussion_r)))\S*$/s

function withoutOurs(body: string, said: ReadonlySet<string>): string {
  // On the line of its words, above what is set apart from it, or below what nobody asked for.
  const [whole = '', above = '', asker = ''] =
    /^((?:⚠️ [^\n]*\n)*\n?)@(\S+)(?: |\n\n)/.exec(body) ?? []
  const words = said.has(asker) ? above + body.slice(whole.length) : body
  return words.replace(ourHtml, '')
}

/** Nobody without trust speaks to the agent, and nobody in signs that people can't see. */
const orders = (bot: MemoryBot) =>
  bot.prompts.flatMap(prompt => [
    ...(prompt.includes('order of a stranger') ? ['the agent reads a stranger'] : []),
    ...(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\u{e0000}-\u{e0fff}\u0000]/u.test(prompt)
      ? [`the agent reads what nobody sees: ${JSON.stringify(prompt.slice(0, 300))}`]
      : []),
  ])
