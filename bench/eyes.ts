/** How soon a person is heard: from the webhook of the comment until 👀 reaches GitHub. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type Far, inFar, timed } from './far-services.ts'
import type { Row } from './row.ts'
import { latencies, webhookRequest } from './webhook-load.ts'

const about = 'webhook of a comment → 👀 reaches GitHub, ms, every call takes 100'

/** Who may: nobody is heard before GitHub said so. */
const floor = async (far: Far) => async () => {
  await far.call('GET', `/repos/${far.world.github.repository}/collaborators/maya/permission`)
}

async function ours(far: Far): Promise<number> {
  const { told } = await far.asks('/codex fix the flaky login test')
  const heard = await far.called(
    ({ method, path }) =>
      method === 'POST' && path.includes(far.repository) && path.endsWith('/reactions'),
  )
  return Date.parse(heard.at) - told
}

export const eyes = timed({ name: 'eyes', about, reach: 1.3, on: 'redis', floor, ours })
export const eyesFirst = timed({
  name: 'eyes-first',
  about: `${about}; a repository that is not known yet`,
  reach: 1.3,
  on: 'redis',
  first: true,
  ours,
  async floor(far) {
    const rest = await floor(far)
    return async () => {
      // What stands for its first token.
      await far.call('GET', `/repos/${far.world.github.repository}`)
      await rest()
    }
  },
})
export const eyesEmbedded = timed({
  name: 'eyes-embedded',
  about: `${about}; embedded queue`,
  reach: 1.3,
  on: 'embedded',
  floor,
  ours,
})

const hanging = 60

/** Who wrote what waits in sixty threads, GitHub does not say. */
async function hang({ world: { github } }: Far): Promise<void> {
  const path = /collaborators\/theo\/permission/
  const fault = github.fault({ path, times: Number.POSITIVE_INFINITY, fault: { kind: 'hang' } })
  const theo = github.as('theo')
  for (let n = 0; n < hanging; n += 1) {
    const { number } = await theo.opensIssue({ title: 'Hangs', body: 'As said.' })
    await theo.comments(number, '/codex status')
  }
  await github.waitFor(() => fault.hits > 0)
  await sleep(1_000)
}

export const eyesBusy = timed({
  name: 'eyes-busy',
  about: `${about}; while ${hanging} commands of others wait for an answer`,
  reach: 1.3,
  on: 'redis',
  prepare: hang,
  floor,
  ours,
})

const perSecond = 60
const seconds = 30
const Ids = z.object({ id: z.number(), owner: z.object({ id: z.number() }) })

/** Each comment of a stranger of its own, with a command, in the repository of another owner. */
async function crowd(far: Far): Promise<void> {
  const { github, bot, env } = far.world
  const repository = await github.addRepo('globex', 'crowd')
  const { number } = await github
    .as('olga', repository)
    .opensIssue({ title: 'Crowded', body: 'As said.' })
  const { id, owner } = Ids.parse(await far.call('GET', `/repos/${repository}`))
  const ids = { owner: owner.id, repository: id, installation: github.installationOf('globex') }
  const target = {
    port: bot.port,
    path: '/api/github/webhooks',
    secret: String(env.WEBHOOK_SECRET),
  }
  const comments = Array.from({ length: perSecond * seconds }, (_, n) => {
    const user = { login: `stranger-${n}`, id: 1_000_000 + n }
    return webhookRequest(target, true, { user, repository, ids, issue: number })
  })
  await latencies(target, comments, perSecond, true)
}

export const eyesCrowd: Row = {
  name: 'eyes-crowd',
  about: `${about}; embedded queue, the slowest while ${perSecond} strangers a second comment for another owner`,
  measure: () =>
    inFar('embedded', false, async far => {
      for (let n = 0; n < 3; n += 1) await ours(far)
      let isOver = false
      const over = crowd(far).finally(() => {
        isOver = true
      })
      let slowest = 0
      while (!isOver) slowest = Math.max(slowest, await ours(far))
      await over
      return { kind: 'bounds', each: { 'slowest, ms': { ours: slowest, reach: 3_000 } } }
    }),
}
