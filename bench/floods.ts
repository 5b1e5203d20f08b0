/** How long somebody waits for a run while others write a lot in the repository of another owner, and how long one request waits. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Call } from '../emulators/github/ledger.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { newRepository } from '../test/world/opens-issue.ts'
import { startWorld, type World } from '../test/world/world.ts'
import type { Row } from './row.ts'

type Flood = (world: World) => Promise<() => Promise<unknown>>

const longest = 65_000
const many = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Held until it is let go: what GitHub has to tell by then comes at once. */
async function heldBack(world: World, write: () => Promise<unknown>) {
  const { webhooks } = world.github
  await world.github.settled()
  webhooks.mode = { kind: 'paused' }
  await write()
  await world.github.settled()
  return async () => {
    webhooks.mode = { kind: 'normal' }
    await webhooks.flush()
  }
}

/**
 * 600 commands of 500 people who may not. They are sent by another thread, and GitHub knows by heart what it says of
 * them: it answers as many at once as the real one.
 */
const strangers: Flood = async world => {
  const { github, bot } = world
  const maya = github.as('maya')
  const { number } = await maya.opensIssue({ title: 'Busy', body: 'As said.' })
  const known = [await knownThread(world, number), ...many(500).map(mayRead)]
  const told = known.map(each => github.fault(each))
  const requests = many(600).map(n => commandOf(world, number, n))
  const sender = new Worker(sending, { eval: true, workerData: { url: bot.url, requests } })
  await once(sender, 'online')
  return async () => {
    sender.postMessage('begin')
    await once(sender, 'exit')
    const asked = () => github.calls.filter(({ path }) => path.includes('/stranger-')).length
    await github.waitFor(() => asked() >= 500)
    for (const each of told) each.cancel()
  }
}

const sending = `
const { parentPort, workerData } = require('node:worker_threads')
const { url, requests } = workerData
const send = request => fetch(url + '/api/github/webhooks', { method: 'POST', ...request })
parentPort.once('message', () => Promise.all(requests.map(send)))`

/** What GitHub says of a thread, whoever writes there. */
async function knownThread({ github }: World, number: number) {
  const operation = /^threadAhead$/
  const asks = new RegExp(`"number":${number}[,}]`)
  github.forgetCalls()
  await github.as('maya').comments(number, '/codex status')
  const isIt = ({ path, body }: Call) => path === '/graphql' && asks.test(JSON.stringify(body))
  const { body } = await github.waitFor(() => github.calls.find(isIt))
  const answer = await fetch(`${github.url}/graphql`, {
    method: 'POST',
    headers: { authorization: 'token token-of-olga', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const fault = { kind: 'status', code: 200, body: await answer.json() } as const
  return { path: '/graphql', operation, asks, times: Number.POSITIVE_INFINITY, fault }
}

/** What GitHub says of a person who may do no more than everybody. */
const mayRead = (n: number) =>
  ({
    path: `/collaborators/stranger-${n}/permission`,
    times: Number.POSITIVE_INFINITY,
    fault: {
      kind: 'status',
      code: 200,
      body: { permission: 'read', role_name: 'read', user: strangerOf(n) },
    },
  }) as const

const strangerOf = (n: number) => ({ login: `stranger-${n}`, id: 900_000 + n, type: 'User' })

/** 30 comments of one who may, each a list as long as GitHub allows. */
const lists: Flood = async world => {
  const maya = world.github.as('maya')
  const { number } = await maya.opensIssue({ title: 'Busy', body: 'As said.' })
  const list = `${'- x\n'.repeat(longest / 4)}\n/codex status`
  return heldBack(world, () => Promise.all(many(30).map(() => maya.comments(number, list))))
}

/** Runs in eight threads, whose comments are quotes in quotes. */
const quotes: Flood = async world => {
  const maya = world.github.as('maya')
  const quote = `${`${'> '.repeat(40)}x\n`.repeat(longest / 82)}`
  const threads = await Promise.all(
    many(8).map(() => maya.opensIssue({ title: 'Busy', body: quote })),
  )
  for (const { number } of threads)
    await Promise.all(many(10).map(() => maya.comments(number, quote)))
  return heldBack(world, () =>
    Promise.all(threads.map(({ number }) => maya.comments(number, '/codex do it'))),
  )
}

function commandOf(world: World, number: number, n: number) {
  const { github, env } = world
  const [owner = '', name = ''] = github.repository.split('/')
  const user = strangerOf(n % 500)
  const url = `https://github.com/${github.repository}/issues/${number}`
  const issue = { number, title: 'Busy', body: 'As said.', user, state: 'open', html_url: url }
  const body = JSON.stringify({
    action: 'created',
    issue: { ...issue, labels: [], locked: false },
    comment: {
      id: 5_000_000 + n,
      node_id: `IC_${n}`,
      user,
      created_at: new Date().toISOString(),
      html_url: `${url}#issuecomment-${n}`,
      body: `/codex do ${n}`,
    },
    repository: { id: 1, name, full_name: github.repository, owner: { login: owner, id: 1 } },
    sender: user,
    installation: { id: github.installationOf(owner) },
  })
  const signature = createHmac('sha256', String(env.WEBHOOK_SECRET)).update(body).digest('hex')
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'issue_comment',
    'x-github-delivery': `flood-${n}`,
    'x-hub-signature-256': `sha256=${signature}`,
  }
  return { headers, body }
}

/** ms from a comment in a repository of another owner to its run, and the longest wait for an answer of the process. */
async function waitBeside(
  world: World,
  repository: string,
  flood: () => Promise<unknown>,
): Promise<{ run: number; answer: number }> {
  const { github, posthog, bot } = world
  const maya = github.as('maya', repository)
  const { number } = await maya.opensIssue({ title: 'Quiet', body: 'As said.' })
  await github.settled()
  const before = posthog.ledger.length
  const pings = pinger(bot.url)
  const flooding = flood()
  await sleep(20)
  const began = Date.now()
  const isTaken = () =>
    posthog.ledger
      .slice(before)
      .find(({ kind, body }) => kind === 'run' && JSON.stringify(body).includes('the quiet one'))
  const asks = maya.comments(number, '/codex fix the quiet one')
  let run: number | undefined
  let isOver = false
  const rest = Promise.all([flooding, asks]).finally(() => sleep(5_000).then(() => (isOver = true)))
  while (!isOver || run === undefined) {
    const taken = isTaken()
    if (taken) run ??= taken.at - began
    await sleep(5)
  }
  await rest
  return { run, answer: await pings.longest() }
}

/** Asks from a thread of its own, as this one is GitHub, too. */
function pinger(url: string) {
  const worker = new Worker(asking, { eval: true, workerData: url })
  return {
    /** ms, and no more is asked. */
    async longest(): Promise<number> {
      worker.postMessage('end')
      const [ms] = await once(worker, 'message')
      await worker.terminate()
      return Number(ms)
    },
  }
}

const asking = `
const { parentPort, workerData } = require('node:worker_threads')
let longest = 0
const ask = async () => {
  const began = performance.now()
  await (await fetch(workerData + '/healthz')).text()
  longest = Math.max(longest, performance.now() - began)
  setTimeout(ask, 5)
}
parentPort.once('message', () => parentPort.postMessage(longest))
ask()`

const floods = { strangers, lists, quotes }

const row = (name: string, on: 'redis' | 'embedded', reach: number): Row => ({
  name,
  about: `comment → run, s, alone and beside floods of another owner; and the longest wait for an answer, s; ${on}`,
  async measure() {
    const redis = on === 'redis' ? await startRedis() : undefined
    const world = await startWorld({ redisUrl: redis?.url, posthog: { rate: 'off' } })
    try {
      const repository = await newRepository(world, undefined, { owner: 'globex' })
      const alone = async () => {}
      for (let n = 0; n < 3; n += 1) await waitBeside(world, repository, alone)
      const each: Record<string, { ours: number; reach: number }> = {}
      const measured = async (what: string, flood: () => Promise<unknown>) => {
        const { run, answer } = await waitBeside(world, repository, flood)
        each[what] = { ours: run / 1_000, reach }
        each[`${what}: answer`] = { ours: answer / 1_000, reach: 0.3 }
      }
      await measured('alone', alone)
      for (const [what, flood] of Object.entries(floods)) await measured(what, await flood(world))
      return { kind: 'bounds', each }
    } finally {
      await world.close()
      await redis?.stop()
    }
  },
})

export const floodsRedis = row('floods', 'redis', 1)
export const floodsEmbedded = row('floods-embedded', 'embedded', 3)
