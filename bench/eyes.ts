/** How soon a person is heard: from the webhook of the comment until 👀 reaches GitHub. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Far, timed } from './far-services.ts'

const about = 'webhook of a comment → 👀 reaches GitHub, ms, every call takes 100'

/** Who may: nobody is heard before GitHub said so. */
const floor = async (far: Far) => async () => {
  await far.call('GET', `/repos/${far.world.github.repository}/collaborators/maya/permission`)
}

async function ours(far: Far): Promise<number> {
  const { told } = await far.asks('/codex fix the flaky login test')
  const heard = await far.called(({ method, path }) => method === 'POST' && path.endsWith('/reactions'))
  return Date.parse(heard.at) - told
}

export const eyes = timed({ name: 'eyes', about, reach: 1.3, on: 'redis', floor, ours })
export const eyesFirst = timed({
  ...{ name: 'eyes-first', about: `${about}; a repository that is not known yet` },
  ...{ reach: 1.3, on: 'redis', first: true, ours },
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
  ...{ name: 'eyes-embedded', about: `${about}; embedded queue` },
  ...{ reach: 1.3, on: 'embedded', floor, ours },
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
  ...{ name: 'eyes-busy', about: `${about}; while ${hanging} commands of others wait for an answer` },
  ...{ reach: 1.3, on: 'redis', prepare: hang, floor, ours },
})
