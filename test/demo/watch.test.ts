/** A thread is looked at only when somebody has called GitHub. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Watch } from '../../demo/story.ts'
import { startGitHub } from '../../emulators/github/emulator.ts'
import type { GitHubEmulator } from '../../emulators/github/github.ts'
import { Upstream } from '../../emulators/github/upstream.ts'
import { startServer } from '../support/local-server.ts'

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
  const watched: ConstructorParameters<typeof Watch>[0] = {
    get progress() {
      return github.progress
    },
    thread: (...which) => {
      looks++
      return github.thread(...which)
    },
  }
  const watch = new Watch(watched, number, (_, what, text) => void seen.push(what, ...text))
  await github.waitFor(() => looks > 0)
  await sleep(1_500)
  expect(looks).toBeLessThan(4)
  await maya.comments(number, '/codex help')
  await github.waitFor(() => seen.at(-1) === '/codex help')
  await watch.end()
})

/** emulate's own, for each token. */
const answeredInAnHour = 5_000

test('more looks than are answered in an hour share no token', async () => {
  const used = new Map<string, number>()
  const { url, close } = await startServer(({ headers: { authorization = '' } }, response) => {
    used.set(authorization, (used.get(authorization) ?? 0) + 1)
    response.end('{}')
  })
  const upstream = new Upstream(url, url)
  for (let round = 0; round < 100; round++)
    await Promise.all(Array.from({ length: 60 }, () => upstream.asAdmin('GET', '/')))
  await close()
  expect([...used.values()].reduce((sum, count) => sum + count)).toBe(6_000)
  expect(Math.max(...used.values())).toBeLessThan(answeredInAnHour)
})
