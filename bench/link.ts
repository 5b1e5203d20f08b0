/** How soon the thread has the link: from the agent's pull request until an edit that names it is taken. */
import { type Far, fresh, timed } from './far-services.ts'

const about = 'pull request opened → its link in the thread, ms, every call takes 100'

/** A look and an edit. */
async function floor(far: Far): Promise<() => Promise<void>> {
  const { repository } = far.world.github
  const maya = far.world.github.as('maya')
  const { number } = await maya.opensIssue({ title: 'Login is flaky', body: 'As said.' })
  const { id } = await maya.comments(number, 'Nothing.')
  return async () => {
    await far.call('GET', `/repos/${repository}/issues/${number}`)
    await far.call('PATCH', `/repos/${repository}/issues/comments/${id}`, { body: 'Something.' })
  }
}

async function ours(far: Far): Promise<number> {
  const { github, posthog } = far.world
  const known = posthog.runs().length
  posthog.script('', { kind: 'manual' }, { times: 1 })
  const { number } = await far.asks('/codex fix the flaky login test')
  const run = await github.waitFor(() => posthog.runs()[known])
  await github.waitFor(async () =>
    (await github.thread(number)).comments.some(({ body }) => body.includes('Codex is working')),
  )
  const { hands, repository } = github
  const base = String(run.branch)
  const head = fresh()
  await hands.commit(repository, head, base, { [`${head}.md`]: 'done' }, 'Do it')
  github.forgetCalls()
  const pull = await hands.openPull(repository, {
    head,
    base,
    title: 'Do it',
    body: 'Done.',
    draft: true,
  })
  const opened = Date.now()
  run.setOutput({ pr_url: pull.url, pr_urls: [pull.url], head_branch: head })
  await run.progress('pr', 'Opened pull request', pull.url)
  const edit = await github.waitFor(() =>
    github.calls.find(
      ({ body, endedAt }) => endedAt !== undefined && JSON.stringify(body)?.includes(pull.url),
    ),
  )
  await run.completeTurn()
  return Number(edit.endedAt) - opened
}

export const link = timed({ name: 'link', about, reach: 1.5, on: 'redis', floor, ours })
export const linkEmbedded = timed({
  name: 'link-embedded',
  about: `${about}; embedded queue`,
  reach: 1.5,
  on: 'embedded',
  floor,
  ours,
})
