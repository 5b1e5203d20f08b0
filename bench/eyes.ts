/** How soon a person is heard: from the webhook of the comment until 👀 reaches GitHub. */
import { type Far, timed } from './far-services.ts'

const about = 'webhook of a comment → 👀 reaches GitHub, ms, every call takes 100'

/** Who may: nobody is heard before GitHub said so. */
const floor = async (far: Far) => async () => {
  await far.call('GET', `/repos/${far.world.github.repository}/collaborators/maya/permission`)
}

async function ours(far: Far): Promise<number> {
  const { told } = await far.asks('/codex fix the flaky login test')
  const heard = await far.called(
    ({ method, path }) =>
      method === 'POST' &&
      path.includes(far.world.github.repository) &&
      path.endsWith('/reactions'),
  )
  return Date.parse(heard.at) - told
}

export const eyes = timed({ name: 'eyes', about, reach: 1.3, on: 'redis', floor, ours })
export const eyesEmbedded = timed({
  name: 'eyes-embedded',
  about: `${about}; embedded queue`,
  reach: 1.3,
  on: 'embedded',
  floor,
  ours,
})
