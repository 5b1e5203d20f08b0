/** A label on a pull request: ends in a commit on its branch. */
import type { World } from '../test/world/world.ts'
import { addsTest, pull } from './cast.ts'
import type { Facts } from './facts.ts'
import { ended, isBy, onceEach, type Scene, type Seen } from './scene.ts'

const label = 'codex'

export async function pullScene({ github, posthog }: World): Promise<Scene> {
  const maya = github.as('maya')
  const { sha } = await maya.pushes(pull.branch, pull.files, pull.message)
  const { number } = await maya.opensPull({ head: pull.branch, title: pull.title, body: pull.body })
  const start = { sha, bot: github.botLogin, pulls: await github.pulls(), branches: await github.branches() }
  posthog.script(pull.title, addsTest)
  return {
    thread: number,
    ask: () => maya.labels(number, label),
    facts: seen => ({ ...onceEach(seen), ...thread(seen, start), ...repository(seen, start) }),
    result: ({ thread }) => shortSha(thread.pull),
  }
}

interface Start extends Pick<Seen, 'pulls' | 'branches'> {
  sha: string
  bot: string
}

const shortSha = (view: Seen['thread']['pull']): string => view?.sha.slice(0, 7) ?? ''

function thread({ thread }: Seen, { bot, sha }: Start): Facts {
  const [status, closing] = thread.comments.filter(isBy(bot))
  const pushed = thread.pull !== undefined && thread.pull.sha !== sha
  return {
    'the agent pushed to the branch': pushed,
    'the status comment says that it pushed': pushed && /^### .*pushed/.test(status?.body ?? ''),
    'a closing comment names the commit': pushed && closing?.body.includes(shortSha(thread.pull)) === true,
    'the bot wrote two comments': thread.comments.filter(isBy(bot)).length === 2,
    'the pull request has 🚀 from the bot, and only that': ended(thread.reactions, bot),
    'the label is gone': !thread.labels.includes(label),
  }
}

function repository({ pulls, branches, accepted }: Seen, start: Start): Facts {
  const run = accepted.find(({ kind }) => kind === 'run')?.body
  return {
    "the run's branch is the head of the pull request": JSON.stringify(run ?? '').includes(
      `"branch":"${pull.branch}"`,
    ),
    'there is no other pull request': pulls.length === start.pulls.length,
    'there is no other branch': branches.join() === start.branches.join(),
  }
}
