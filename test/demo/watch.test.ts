/** The demo that is kept stays up for a day: a thread is looked at only when somebody has called GitHub. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plain } from '../../demo/terminal.ts'
import { type Printer, Watch } from '../../demo/thread-log.ts'
import { startGitHub } from '../../emulators/github/emulator.ts'
import type { GitHubEmulator } from '../../emulators/github/github.ts'

let github: GitHubEmulator
beforeAll(async () => {
  github = await startGitHub()
})
afterAll(() => github.close())

test('an idle thread costs no look, and what happens is seen at once', async () => {
  const maya = github.as('maya')
  const { number } = await maya.opensIssue({ title: 'Login is flaky' })
  let looks = 0
  const seen: string[] = []
  const printer: Printer = { cells: 80, print: (...lines) => void seen.push(...lines.map(plain)) }
  const watch = new Watch({
    github: {
      get progress() {
        return github.progress
      },
      thread: (...which) => {
        looks++
        return github.thread(...which)
      },
    },
    printer,
    number,
  })
  await github.waitFor(() => looks > 0)
  await sleep(1_500)
  expect(looks).toBeLessThan(4)
  await maya.comments(number, '/codex help')
  await github.waitFor(() => seen.at(-1)?.endsWith('/codex help') === true)
  await watch.end()
})
