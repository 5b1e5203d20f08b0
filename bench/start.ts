/** How soon the agent starts: from the webhook of the comment until PostHog has taken the run. */
import { type Far, fresh, timed } from './far-services.ts'

const about = 'webhook of a comment → run taken by PostHog, ms, every call takes 100'

/** Who may, a branch, a run: each needs the answer of the one before. */
async function floor(far: Far): Promise<() => Promise<void>> {
  const { world } = far
  const repository = `/repos/${world.github.repository}`
  const base = await far.call('GET', `${repository}/git/ref/heads/main`)
  const sha = (base as { object: { sha: string } }).object.sha
  const task = await far.callPostHog('POST', 'tasks/', {
    title: 'floor',
    description: 'floor',
    repository: world.github.repository,
    origin_product: 'user_created',
    github_integration: 2,
  })
  const { id } = task as { id: string }
  const branch = fresh()
  return async () => {
    await far.call('GET', `${repository}/collaborators/maya/permission`)
    await far.call('POST', `${repository}/git/refs`, { ref: `refs/heads/${branch}`, sha })
    await far.callPostHog('POST', `tasks/${id}/run/`, {
      mode: 'background',
      branch,
      pending_user_message: 'do it',
      runtime_adapter: 'codex',
      model: 'gpt-5.5',
      pr_authorship_mode: 'bot',
      run_source: 'manual',
    })
  }
}

async function ours(far: Far): Promise<number> {
  const { github, posthog } = far.world
  const before = posthog.ledger.length
  const { told } = await far.asks('/codex fix the flaky login test')
  const taken = () => posthog.ledger.slice(before).find(({ kind }) => kind === 'run')
  return (await github.waitFor(taken)).at - told
}

export const start = timed({ name: 'start', about, reach: 1.3, on: 'redis', floor, ours })
export const startEmbedded = timed({
  name: 'start-embedded',
  about: `${about}; embedded queue`,
  reach: 1.3,
  on: 'embedded',
  floor,
  ours,
})
