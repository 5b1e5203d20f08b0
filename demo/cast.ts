/** What the repository holds and what the scripted agent does in it. The bot knows nothing of this file. */
import type { Behaviour } from '../emulators/posthog/behaviour.ts'
import type { PostHogOptions } from '../emulators/posthog/options.ts'

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

export const issue = {
  title: 'Login is flaky',
  body: 'About one run in five of `test/login.test.ts` fails: the page is **still `/login`** when the test looks.',
}

/** @param closes such as `acme/shop#1` */
export const fixesLogin = (closes: string): Behaviour => ({
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

export const pull = {
  branch: 'lock-after-failures',
  title: 'Lock an account after five failed logins',
  body: 'Still missing: a test for the **sixth** attempt.',
  message: 'Lock an account after five failed logins',
  files: { 'src/lockout.ts': 'export const isLocked = (failures: number): boolean => failures > 5\n' },
}

export const addsTest: Behaviour = {
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
