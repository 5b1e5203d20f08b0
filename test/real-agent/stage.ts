/** The bot as `npm start` runs it, between an emulated GitHub and an emulated PostHog whose agents are real. */
import { afterAll, beforeAll, describe } from 'vitest'
import { redisAvailable, startRedis } from '../support/redis-server.ts'
import { ledgerOf, Thread } from '../world/thread.ts'
import { startWorld, type World } from '../world/world.ts'
import { RealAgents } from './driver.ts'
import { gitHubSide } from './gh.ts'

interface Stage {
  world: World
  agents: RealAgents
  threadOf(number: number): Thread
}

export function withRealAgents(title: string, tell: (stage: () => Stage) => void): void {
  let stage: Stage | undefined
  let leave: () => Promise<unknown> = async () => {}
  beforeAll(async () => {
    const redis = redisAvailable() ? await startRedis() : undefined
    let agents: RealAgents | undefined
    const world = await startWorld({
      redisUrl: redis?.url,
      // The log is as late as the agent-server makes it.
      posthog: { timing: { log: 0 } },
      drives: github => {
        const gitHubToken = 'ghs_tokenOfTheSandboxes0000000000000000'
        agents = new RealAgents({ gitHub: gitHubSide(github), gitHubUrl: github.url, gitHubToken })
        return agents.drives
      },
    })
    if (!agents) throw new Error('nobody drives')
    stage = { world, agents, threadOf: number => new Thread(world, number) }
    leave = async () => {
      await agents?.close()
      await world.close()
      await redis?.stop()
    }
  })
  afterAll(() => leave())
  describe(title, { concurrent: true }, () =>
    tell(() => {
      if (!stage) throw new Error('the world did not start')
      return stage
    }),
  )
}

/** An issue in which maya asks; the model knows the run by its title. */
export async function opensIssue({ world }: Stage, title: string) {
  const maya = world.github.as('maya')
  const { number } = await maya.opensIssue({ title, body: 'As said.' })
  return {
    maya,
    number,
    thread: new Thread(world, number),
    says: (text: string) => maya.comments(number, text),
    /** That were started for it. */
    runs: () => ledgerOf(world, number).runs,
    /** What was said to live ones. */
    sent: () => ledgerOf(world, number).messages,
  }
}
