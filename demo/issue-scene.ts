/** An issue and a comment: ends in a pull request of the agent's own. */
import type { World } from '../test/world/world.ts'
import { fixesLogin, issue } from './cast.ts'
import type { Facts } from './facts.ts'
import { ended, isBy, onceEach, type Scene, type Seen } from './scene.ts'

const command = '/codex fix the flaky login test'

export async function issueScene({ github, posthog }: World): Promise<Scene> {
  const maya = github.as('maya')
  const { number } = await maya.opensIssue(issue)
  posthog.script(command.slice('/codex '.length), fixesLogin(`${github.repository}#${number}`))
  return {
    thread: number,
    ask: () => maya.comments(number, command),
    facts: seen => ({ ...onceEach(seen), ...thread(seen, github.botLogin), ...pull(seen, number) }),
    result: ({ pulls }) => pulls.at(-1)?.url,
  }
}

function thread({ thread, pulls }: Seen, bot: string): Facts {
  const [status, closing] = thread.comments.filter(isBy(bot))
  const link = `](${pulls.at(-1)?.url ?? '-'})`
  const asked = thread.comments.find(isBy('maya'))
  return {
    'the status comment links the pull request': status?.body.includes(link) === true,
    'a closing comment tells maya': closing?.body.startsWith('@maya') === true && closing.body.includes(link),
    'the bot wrote two comments': thread.comments.filter(isBy(bot)).length === 2,
    "maya's comment has 🚀 from the bot, and only that": ended(asked?.reactions ?? [], bot),
  }
}

function pull({ pulls, branches }: Seen, issue: number): Facts {
  const [made] = pulls
  const closes = new RegExp(String.raw`\bcloses\s+(?:acme/shop)?#${issue}\b`, 'i')
  return {
    'there is one pull request, a draft': pulls.length === 1 && made?.draft === true,
    'its base is main': made?.base === 'main',
    'its description closes the issue': closes.test(made?.body ?? ''),
    // The agent's session lives on for an hour after its turn, and its branch goes when that is over.
    'there are main, the branch of the run and the head of its pull request':
      branches
        .filter(name => !name.startsWith(`codex/issue-${issue}-`))
        .toSorted()
        .join() === ['main', made?.head].toSorted().join() && branches.length <= 3,
  }
}
