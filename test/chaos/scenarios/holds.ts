/** What holds runs goes on holding them, whatever dies meanwhile, and lets each go once. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrashPoint } from '../crash-points.ts'
import { bringUp, died } from '../mortal-bot.ts'
import { blocked, isSaid, type Play, scenes } from '../plays.ts'
import { judge, type Scenario, type Stage } from '../stage.ts'

/** Of a run that comes to wait, and of one that begins. */
const ofWaiting: readonly CrashPoint[] = [
  'before a run is queued',
  'before a status is posted',
  'after a status is posted',
]
const ofStarts: readonly CrashPoint[] = [
  'after a status is edited',
  'before a task is created',
  'after a task is created',
  'before a run is started',
  'after a run is started',
]

const atOnce = (most: number) => ({ '.github/codex.yml': `limits: { repository: ${most} }` })

export const heldAtZero: Scenario = {
  name: 'a limit of 0, and deaths in it',
  async run(stage) {
    const { world, random, notes } = stage
    const olga = world.github.as('olga')
    await olga.pushes('main', atOnce(0))
    const kept: Play[] = []
    for (const [index, point] of random.shuffled(ofWaiting).entries()) {
      await dieAt(stage, [point], async () => {
        kept.push(await scenes.asked(world, `kept${index}`))
      })
      await isHeld(stage, kept, /^### ⏸️ Codex starts nothing new here/)
    }
    const early = world.posthog.ledger.length
    if (early > 0) notes.violations.push(`${early} things were done at PostHog at a limit of 0`)
    await dieAt(stage, ofStarts, async () => void (await olga.pushes('main', atOnce(1))))
    await judge(stage, kept, 150_000)
    const begun = world.posthog.ledger
      .filter(({ kind }) => kind === 'run')
      .map(({ body }) => JSON.stringify(body))
    const places = kept.map(({ title }) => begun.findIndex(body => body.includes(`begin-${title}`)))
    if (places.some((place, index) => place < (places[index - 1] ?? 0)))
      notes.violations.push(`kept in one order, and begun in another: ${places}`)
  },
}

export const blockedMeanwhile: Scenario = {
  name: 'a blocker closes while the bot is dead',
  async run(stage) {
    const { world, random } = stage
    const { webhooks } = world.github
    const plays: Play[] = []
    const asks = async (name: string) => {
      const behind = await blocked(world, name)
      plays.push(behind.play)
      return behind
    }
    await bringUp(world)
    const first = await asks('after-first')
    await isHeld(stage, plays, waitsForIssue)
    await calm(stage)
    await world.bot.stop('SIGKILL')
    webhooks.mode = { kind: 'drop' }
    await first.closes()
    await world.github.settled()
    webhooks.mode = { kind: 'normal' }
    await died(await bringUp(world, { point: random.one(ofStarts) }), 90_000)
    let second: typeof first | undefined
    await dieAt(stage, ofWaiting, async () => {
      second = await asks('after-second')
    })
    await isHeld(stage, plays.slice(1), waitsForIssue)
    // The delivery is lost for good: it has to look.
    webhooks.mode = { kind: 'paused' }
    await second?.closes()
    webhooks.mode = { kind: 'normal' }
    await judge(stage, plays, 150_000)
  },
}
const waitsForIssue = /^### ⏳ Codex waits for #/

const mostPulls = 3
const fewPulls = { '.github/codex.yml': `limits: { open_pull_requests: ${mostPulls} }` }

export const burstAtLimit: Scenario = {
  name: 'a burst at a limit, and a death in it',
  async run({ world, random, redis, notes }) {
    const { github, posthog } = world
    await github.as('olga').pushes('main', fewPulls)
    const mortal = await bringUp(world, { point: random.one(ofStarts) })
    if (redis) await bringUp(world)
    const maya = github.as('maya')
    const titles = Array.from({ length: 8 }, (_, n) => `burst-${n}`)
    const issues = await Promise.all(titles.map(title => maya.opensIssue({ title, body: 'x' })))
    await Promise.all(issues.map(({ number }) => maya.labels(number, 'codex')))
    notes.threads += issues.length
    if ((await died(mortal, 15_000)) === undefined) await mortal.stop('SIGKILL')
    if (!redis) await bringUp(world)
    const settled = /Codex opened draft|^### ⏳ Codex waits until one of its pull requests/
    const isSettled = async () => {
      const threads = await Promise.all(issues.map(({ number }) => github.thread(number)))
      return threads.every(({ comments }) => settled.test(comments.at(-1)?.body ?? ''))
    }
    await github.waitFor(isSettled, { timeout: 120_000 })
    const begun = posthog.ledger.filter(({ kind }) => kind === 'run').length
    const open = (await github.pulls()).filter(({ state }) => state === 'open').length
    if (begun !== mostPulls || open !== mostPulls)
      notes.violations.push(
        `${begun} runs and ${open} open pull requests, where ${mostPulls} may be`,
      )
  },
}

/** Nothing is in hand: who is killed with a job alone in hand, again and again, is said to kill. */
async function calm({ world: { github } }: Stage): Promise<void> {
  const calls = () => github.calls.filter(({ actor }) => actor === github.botLogin).length
  for (let before = -1; before !== calls(); await sleep(2_000)) before = calls()
}

/** A life that ends at one of these points, at the latest when it has not come there; then one that does not. */
async function dieAt(
  stage: Stage,
  points: readonly CrashPoint[],
  act: () => Promise<void>,
): Promise<void> {
  const { world, random } = stage
  for (const bot of world.bots) await bot.stop('SIGKILL')
  const bot = await bringUp(world, { point: random.one(points) })
  await act()
  if ((await died(bot, 15_000)) === undefined) await bot.stop('SIGKILL')
  await bringUp(world)
  await calm(stage)
}

async function isHeld(stage: Stage, plays: readonly Play[], words: RegExp): Promise<void> {
  for (const { number } of plays) await isSaid(stage.world, number, words)
}
