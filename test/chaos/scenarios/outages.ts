/** Redis, PostHog or GitHub is away, slow or full. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteName } from '../../../emulators/posthog/fault.ts'
import { ledgerOf } from '../../world/calls.ts'
import { bringUp, redeliverFailed } from '../mortal-bot.ts'
import { type Play, scenes } from '../plays.ts'
import { judge, noteRecovery, type Scenario, type Stage } from '../stage.ts'

export const redisAway: Scenario = {
  name: 'Redis dies, or freezes',
  queues: ['redis'],
  async run(stage) {
    const { world, random, redis } = stage
    if (!redis) return
    await bringUp(world)
    for (let round = 0; round < 3; round++) {
      const plays = [
        await scenes.labelled(world, `r${round}a`),
        await scenes.steered(world, `r${round}b`),
      ]
      await sleep(random.between(0, 1_500))
      const away = random.between(300, 4_000)
      if (random.next() < 0.5) {
        await redis.kill()
        await sleep(away)
        await redis.restart()
      } else {
        redis.freeze()
        await sleep(away)
        redis.thaw()
      }
      const since = Date.now()
      await world.github.waitFor(async () => (await fetch(`${world.bot.url}/readyz`)).ok, {
        timeout: 10_000,
      })
      stage.notes.recoveries.push(Date.now() - since)
      if (Date.now() - since > 3_000)
        stage.notes.violations.push(`not ready ${Date.now() - since} ms after Redis came back`)
      await world.github.settled()
      redeliverFailed(world)
      await judge(stage, plays)
    }
  },
}

/** How the service says no, and from when on it may be asked again. */
interface Refusal {
  name: string
  /** Of the key, whoever calls; else of the one Run, whose calls alone count. */
  ofTheKey?: boolean
  /** @returns given when it was refused, from when on calls are welcome; both ms since the epoch */
  arm(): (refusedAt: number) => number | undefined
}

export const postHogFull: Scenario = {
  name: 'PostHog is full, away or slow',
  async run(stage) {
    const { world, random } = stage
    await bringUp(world)
    for (const [index, refusal] of random.shuffled(refusals(stage)).entries())
      await refused(stage, refusal, `p${index}`)
  },
}

function refusals({ world: { posthog }, random }: Stage): Refusal[] {
  const route = (): RouteName => random.one(['create-task', 'run', 'get-run'] as const)
  const seconds = random.between(2, 4)
  const anyTime = () => undefined
  return [
    {
      name: '429 in words',
      ofTheKey: true,
      arm: () => {
        posthog.fault({ route: route(), fault: { kind: 'throttled', seconds } })
        return at => at + seconds * 1_000
      },
    },
    {
      name: '429 with a time',
      arm: () => {
        const reset = Date.now() + 2_000 + seconds * 1_000
        const fault = { kind: 'usage-limit' as const, reset_at: new Date(reset).toISOString() }
        posthog.fault({ route: route(), fault })
        return () => reset
      },
    },
    {
      name: '503 of the gate',
      arm: () => {
        posthog.fault({ route: 'run', fault: { kind: 'unavailable503' } })
        return at => at + 30_000
      },
    },
    {
      name: 'a hang',
      arm: () => {
        posthog.fault({ route: 'get-run', fault: { kind: 'hang' } })
        return anyTime
      },
    },
    {
      name: '502 five times',
      arm: () => {
        posthog.fault({ route: route(), times: 5, fault: { kind: 'status', code: 502 } })
        return anyTime
      },
    },
  ]
}

const limits: readonly string[] = ['throttled', 'usage-limit', 'unavailable503']

async function refused(
  stage: Stage,
  { name, arm, ofTheKey = false }: Refusal,
  thread: string,
): Promise<void> {
  const { world, notes } = stage
  const from = world.posthog.calls.length
  const welcome = arm()
  const play = await scenes.asked(world, thread)
  await judge(stage, [play], 90_000)
  world.posthog.clearFaults()
  const own = ledgerOf(world, play.number).tasks.map(({ taskId }) => taskId)
  const counts = (path: string): boolean => ofTheKey || own.some(id => path.includes(id))
  const calls = world.posthog.calls.slice(from).filter(({ path }) => counts(path))
  const no = calls.findIndex(({ faults }) => faults.some(kind => limits.includes(kind)))
  const limit = calls[no]
  const until = limit && welcome(limit.at)
  if (!limit || until === undefined) return
  const later = calls.slice(no + 1).filter(({ at }) => at > limit.at + underWay)
  for (const { method, path, at } of later.filter(({ at }) => at < until - rounding).slice(0, 3))
    notes.violations.push(`${name}: ${method} ${path} ${until - at} ms before PostHog's time`)
  const next = later.find(({ at }) => at >= until - rounding)
  if (next) notes.recoveries.push(Math.max(0, next.at - until))
}

/** What is under way when a limit is told, until the bot has read of it, can't be called back. ms */
const underWay = 120
/** Clocks and timers count whole ms, and their owners are different processes. */
const rounding = 50

const graphQl = (operation: RegExp) => ({ method: 'POST', path: /^\/graphql$/, operation })

const gitHubCalls: readonly { method: string; path: RegExp; operation?: RegExp }[] = [
  { method: 'POST', path: /\/issues\/\d+\/comments$/ },
  { method: 'PATCH', path: /\/issues\/comments\/\d+$/ },
  { method: 'POST', path: /\/reactions$/ },
  graphQl(/^threadAhead$/),
  graphQl(/^createLinkedBranch$/),
  graphQl(/^settleThread$/),
]
/** For a minute after the first time the bot knows who maya is. */
const firstCall = { method: 'GET', path: /\/permission$/ }

export const gitHubFull: Scenario = {
  name: 'GitHub limits',
  async run(stage) {
    const { random, world } = stage
    await bringUp(world)
    const seconds = random.between(2, 4)
    for (const [index, rule] of [firstCall, ...random.shuffled(gitHubCalls)].entries()) {
      const fault = random.one([
        { kind: 'secondary-limit', retryAfter: seconds },
        { kind: 'primary-limit', resetInSeconds: seconds },
      ] as const)
      // The reset of the primary limit is told in whole seconds.
      await limitedByGitHub(stage, { ...rule, fault }, seconds * 1_000, `g${index}`)
    }
  },
}

export const gitHubSaysNothing: Scenario = {
  name: 'GitHub limits without saying for how long',
  async run(stage) {
    await bringUp(stage.world)
    const rule = stage.random.one(gitHubCalls)
    await limitedByGitHub(stage, { ...rule, fault: { kind: 'secondary-limit' } }, 60_000, 'mute')
  },
}

type GitHubRule = Parameters<Stage['world']['github']['fault']>[0]

async function limitedByGitHub(
  stage: Stage,
  rule: GitHubRule,
  wait: number,
  name: string,
): Promise<void> {
  const { world, notes } = stage
  world.github.forgetCalls()
  const fault = world.github.fault(rule)
  const play: Play = await scenes.asked(world, name)
  await judge(stage, [play], wait + 60_000)
  const what = `${rule.method} ${rule.operation ?? rule.path}`
  if (fault.hits === 0) return void notes.violations.push(`never struck: ${what}`)
  const calls = world.github.calls.filter(({ actorKind }) => actorKind === 'bot')
  const no = calls.findIndex(
    ({ method, path, status }) =>
      status === 403 && method === rule.method && (rule.path as RegExp).test(path),
  )
  const limit = calls[no]
  if (!limit) return void notes.violations.push(`the limit is not on record: ${what}`)
  const since = Date.parse(limit.at)
  const told = limit.endedAt ?? since
  const later = calls.slice(no + 1).filter(({ at }) => Date.parse(at) > told + underWay)
  // Another installation has limits of its own.
  const early = later.filter(
    ({ at, owner }) => owner === limit.owner && Date.parse(at) < since + wait - rounding,
  )
  for (const { method, path, at } of early.slice(0, 3))
    notes.violations.push(
      `#${play.number}: ${method} ${path} ${since + wait - Date.parse(at)} ms before GitHub's limit on ${what} was over`,
    )
  noteRecovery(stage, play, since + wait)
}
