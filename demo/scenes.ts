/**
 * What happens in the demo: an issue and a comment that end in a pull request of the agent's own, then a label on a pull
 * request that ends in a commit on its branch. The bot knows nothing of this file.
 */
import type { Behaviour } from '../emulators/posthog/behaviour.ts'
import type { PostHogOptions } from '../emulators/posthog/options.ts'
import type { World } from '../test/world/world.ts'
import { ended, type Facts, isBy, onceEach, type Scene, type Seen } from './scene.ts'

/** A real run boots for a minute and works for several; here one waits just long enough to see each step. */
export const timing: NonNullable<PostHogOptions['timing']> = {
  queued: 700,
  sandbox: 600,
  clone: 500,
  agent: 500,
  work: 2_000,
  publish: 300,
  settle: 300,
  idle: 60_000,
}

const flakyTest = `import { expect, test } from 'vitest'
import { login } from '../src/login.ts'
import { sleep } from './sleep.ts'

test('a login leads to the account page', async () => {
  const page = await login('ada', 'secret')
  await sleep(200)
  expect(page.path).toBe('/account')
})
`

export const repository: Record<string, string> = {
  'src/login.ts':
    "export async function login(name: string, password: string) {\n  return open('/login', { name, password })\n}\n",
  'test/login.test.ts': flakyTest,
}

const issue = {
  title: 'Login is flaky',
  body: 'About one run in five of `test/login.test.ts` fails: the page is **still `/login`** when the test looks.',
}

/** @param closes such as `acme/shop#1` */
const fixesLogin = (closes: string): Behaviour => ({
  kind: 'opensPull',
  title: 'Wait for the redirect in the login test',
  body: `The test slept for 200 ms and then looked; a slow machine takes longer. It now waits for the redirect itself.\n\nCloses ${closes}\n`,
  files: {
    'test/login.test.ts': flakyTest
      .replace("import { sleep } from './sleep.ts'\n", '')
      .replace('  await sleep(200)\n', "  await page.redirected('/account')\n"),
  },
  text: 'The test slept for 200 ms and hoped that the redirect was over by then. I made it wait for the redirect itself, in `test/login.test.ts`.\n\n- Checked: the login test 50 times in a row, all green\n- Left: nothing',
})

const pull = {
  branch: 'lock-after-failures',
  title: 'Lock an account after five failed logins',
  body: 'Still missing: a test for the **sixth** attempt.',
  message: 'Lock an account after five failed logins',
  files: { 'src/lockout.ts': 'export const isLocked = (failures: number): boolean => failures > 5\n' },
}

const addsTest: Behaviour = {
  kind: 'opensPull',
  delay: 1_200,
  files: {
    'src/lockout.ts': 'export const isLocked = (failures: number): boolean => failures >= 5\n',
    'test/lockout.test.ts':
      "import { expect, test } from 'vitest'\nimport { isLocked } from '../src/lockout.ts'\n\ntest('the sixth attempt is refused', () => {\n  expect(isLocked(4)).toBe(false)\n  expect(isLocked(5)).toBe(true)\n})\n",
  },
  text: 'Added `test/lockout.test.ts`. It showed that the **sixth** attempt still got through: `> 5` had to be `>= 5`, which is fixed too.',
}

/** For what the visitor asks: long enough to steer it or stop it. */
export const obliging: Behaviour = {
  kind: 'opensPull',
  delay: 6_000,
  text: "I am the demo's scripted agent, so I wrote one file and no more: enough to see the way of a change.",
}

export const planning: Behaviour = {
  kind: 'answers',
  delay: 2_000,
  text: '1. Find where the test waits: `test/login.test.ts`\n2. Wait for the redirect instead of 200 ms\n3. Run the test 50 times\n\nUncertain: whether other tests sleep as well.',
}
/** What the bot writes to the agent when only a plan is wanted. */
export const wantsPlan = 'make no commit'

const command = '/codex fix the flaky login test'

export async function issueScene({ github, posthog }: World): Promise<Scene> {
  const maya = github.as('maya')
  const { number } = await maya.opensIssue(issue)
  posthog.script(command.slice('/codex '.length), fixesLogin(`${github.repository}#${number}`))
  return {
    thread: number,
    ask: () => maya.comments(number, command),
    facts: seen => ({ ...onceEach(seen), ...answered(seen, github.botLogin), ...opened(seen, number) }),
    result: ({ pulls }) => pulls.at(-1)?.url,
  }
}

function answered({ thread, pulls }: Seen, bot: string): Facts {
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

function opened({ pulls, branches }: Seen, issue: number): Facts {
  const [made] = pulls
  const closes = new RegExp(String.raw`\bcloses\s+(?:acme/shop)?#${issue}\b`, 'i')
  // The agent's session lives on for an hour after its turn, and the branch of the run goes when that is over.
  const others = branches.filter(name => !name.startsWith(`codex/issue-${issue}-`))
  return {
    'there is one pull request, a draft': pulls.length === 1 && made?.draft === true,
    'its base is main': made?.base === 'main',
    'its description closes the issue': closes.test(made?.body ?? ''),
    'there are main, the branch of the run and the head of its pull request':
      others.toSorted().join() === ['main', made?.head].toSorted().join() && branches.length <= 3,
  }
}

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
    facts: seen => ({ ...onceEach(seen), ...pushed(seen, start), ...nothingElse(seen, start) }),
    result: ({ thread }) => shortSha(thread.pull),
  }
}

interface Start extends Pick<Seen, 'pulls' | 'branches'> {
  sha: string
  bot: string
}

const shortSha = (view: Seen['thread']['pull']): string => view?.sha.slice(0, 7) ?? ''

function pushed({ thread }: Seen, { bot, sha }: Start): Facts {
  const [status, closing] = thread.comments.filter(isBy(bot))
  const moved = thread.pull !== undefined && thread.pull.sha !== sha
  return {
    'the agent pushed to the branch': moved,
    'the status comment says that it pushed': moved && /^### .*pushed/.test(status?.body ?? ''),
    'a closing comment names the commit': moved && closing?.body.includes(shortSha(thread.pull)) === true,
    'the bot wrote two comments': thread.comments.filter(isBy(bot)).length === 2,
    'the pull request has 🚀 from the bot, and only that': ended(thread.reactions, bot),
    'the label is gone': !thread.labels.includes(label),
  }
}

function nothingElse({ pulls, branches, accepted }: Seen, start: Start): Facts {
  const run = accepted.find(({ kind }) => kind === 'run')?.body
  const asked = JSON.stringify(run ?? '').includes(`"branch":"${pull.branch}"`)
  return {
    "the run's branch is the head of the pull request": asked,
    'there is no other pull request': pulls.length === start.pulls.length,
    'there is no other branch': branches.join() === start.branches.join(),
  }
}
