/** The bot as `npm start` runs it, between an emulated GitHub and an emulated PostHog whose agents are real. */
import { afterAll, beforeAll, describe } from 'vitest'
import { redisAvailable, startRedis } from '../support/redis-server.ts'
import { opensIssue as talkOnIssue } from '../world/opens-issue.ts'
import { Thread } from '../world/thread.ts'
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

/** An issue in which maya asks. */
export async function opensIssue({ world }: Stage, title: string, repository?: string) {
  const talk = await talkOnIssue(world, title, repository)
  return {
    ...talk,
    /** What notified somebody, once the run is over: its status is folded away then. */
    async mails(): Promise<string[]> {
      await talk.thread.waitForFolded()
      return talk.thread.answers()
    },
  }
}
