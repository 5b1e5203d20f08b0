/** The shop that demo and playground are about: its files, its issue, its pull request, and how long its agent takes. */
import type { OpensPull } from '../emulators/posthog/behaviour.ts'
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

export const files: Record<string, string> = {
  'src/login.ts':
    "export async function login(name: string, password: string) {\n  return open('/login', { name, password })\n}\n",
  'test/login.test.ts': flakyTest,
}

export const issue = {
  title: 'Login is flaky',
  body: 'About one run in five of `test/login.test.ts` fails: the page is **still `/login`** when the test looks.',
}

export const command = '/codex fix the flaky login test'

/** @param closes such as `acme/shop#1` */
export const fixesLogin = (closes: string): OpensPull => ({
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
  files: {
    'src/lockout.ts': 'export const isLocked = (failures: number): boolean => failures > 5\n',
  },
}

/** What a review says of it. */
export const doubts = [
  {
    path: 'src/lockout.ts',
    line: 1,
    body: 'The fifth failure does not lock the account yet.',
    replacement: 'export const isLocked = (failures: number): boolean => failures >= 5\n',
  },
]

export const settings: Record<string, string> = {
  '.github/codex.yml': 'context: { bots: [coderabbitai] }\nreview: { resolve: true }\n',
}
