/** The demo that is kept stays up for a day: a thread is looked at only when somebody has called GitHub. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Watch } from '../../demo/watch.ts'
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
  const screen = {
    cells: 80,
    print() {},
    show: ({ posts }: { posts: { body: string }[] }) => void seen.push(posts.at(-1)?.body ?? ''),
    resume() {},
    close() {},
  }
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
    screen,
    number,
  })
  await github.waitFor(() => looks > 0)
  await sleep(1_500)
  expect(looks).toBeLessThan(4)
  await maya.comments(number, '/codex help')
  await github.waitFor(() => seen.at(-1) === '/codex help')
  await watch.end()
})
