/** The service did it, or did not, and never said so: every write of the bot, in all five ways. */
import type { RouteName } from '../../../emulators/posthog/fault.ts'
import { doMore, playMore } from '../crashes.ts'
import { bringUp } from '../mortal-bot.ts'
import type { Play, SceneName } from '../plays.ts'
import { judge, type Scenario, type Stage } from '../stage.ts'

const ways = [
  { kind: 'status', code: 502, store: true },
  { kind: 'reset', store: true },
  { kind: 'hang', store: true },
  { kind: 'status', code: 502 },
  { kind: 'reset' },
] as const

const mutations = [
  ...['createLinkedBranch', 'settleThread', 'swapReaction', 'addReaction', 'updateRefs'],
  'resolveThreads',
]

const gitHubWrites: readonly { method: string; path: RegExp; operation?: RegExp }[] = [
  { method: 'POST', path: /\/access_tokens$/ },
  { method: 'POST', path: /\/issues\/\d+\/comments$/ },
  { method: 'PATCH', path: /\/issues\/comments\/\d+$/ },
  { method: 'POST', path: /\/reactions$/ },
  { method: 'DELETE', path: /\/labels\/[^/]+$/ },
  { method: 'POST', path: /\/issues\/\d+\/labels$/ },
  { method: 'POST', path: /\/pulls$/ },
  { method: 'POST', path: /\/pulls\/\d+\/comments/ },
  ...mutations.map(name => ({
    method: 'POST',
    path: /^\/graphql$/,
    operation: new RegExp(`^${name}$`),
  })),
]

const postHogWrites: readonly RouteName[] = [
  'create-task',
  'run',
  'command',
  'cancel',
  'prepare-staged',
  'finalize-staged',
]

interface Struck {
  what: string
  hits(): number
}

export const lostByGitHub: Scenario = {
  name: 'answers of GitHub are lost',
  run: stage => {
    const { world, random } = stage
    const armed = random.shuffled(
      gitHubWrites.flatMap(rule => ways.map(fault => ({ ...rule, fault }))),
    )
    const struck = armed.map(rule => {
      const fault = world.github.fault(rule)
      const called = 'operation' in rule ? rule.operation : `${rule.method} ${rule.path}`
      return { what: `${called} ${nameOf(rule.fault)}`, hits: () => fault.hits }
    })
    return playOn(stage, struck)
  },
}

export const lostByPostHog: Scenario = {
  name: 'answers of PostHog are lost',
  run: stage => {
    const { world, random } = stage
    const armed = random.shuffled(
      postHogWrites.flatMap(route => ways.map(fault => ({ route, fault }))),
    )
    const struck = armed.map(rule => {
      const fault = world.posthog.fault(rule)
      return { what: `${rule.route} ${nameOf(rule.fault)}`, hits: () => fault.hits }
    })
    return playOn(stage, struck)
  },
}

const nameOf = (fault: (typeof ways)[number]): string =>
  `${'store' in fault ? 'stored, then ' : ''}${fault.kind}`

const cast: readonly SceneName[] = [
  ...Array<SceneName>(5).fill('labelled'),
  ...Array<SceneName>(4).fill('asked'),
  ...Array<SceneName>(6).fill('pushed'),
  ...Array<SceneName>(3).fill('cutOff'),
  ...Array<SceneName>(4).fill('steered'),
  ...Array<SceneName>(4).fill('stopped'),
  ...Array<SceneName>(3).fill('reviewed'),
  ...Array<SceneName>(5).fill('resolved'),
  ...Array<SceneName>(2).fill('explained'),
  ...Array<SceneName>(2).fill('merged'),
  ...Array<SceneName>(3).fill('attached'),
  ...Array<SceneName>(2).fill('answered'),
]

/** Threads that do all there is to do, until every fault has struck. */
async function playOn(stage: Stage, struck: readonly Struck[]): Promise<void> {
  const { world, random } = stage
  await doMore(world)
  await bringUp(world)
  const plays: Play[] = []
  for (let act = 0; act < 3 && struck.some(({ hits }) => hits() === 0); act++) {
    const scene = act === 0 ? random.shuffled(cast) : random.shuffled([...new Set(cast)])
    const begun: Play[] = []
    for (const [index, name] of scene.entries())
      begun.push(await playMore(world, name, `${name}${act}${index}`))
    await judge(stage, begun, 240_000)
    plays.push(...begun)
  }
  for (const { what, hits } of struck)
    if (hits() === 0) stage.notes.violations.push(`never struck: ${what}`)
}
