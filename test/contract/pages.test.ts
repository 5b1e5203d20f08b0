/** What the page shows of a text: read from its Markdown, unless GitHub says that somebody folded or changed it since. */
import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startGitHub } from '../../emulators/github/emulator.ts'
import type { GitHubEmulator } from '../../emulators/github/github.ts'
import { parseCommands } from '../../src/commands/command-registry.ts'
import { readPage, readStrangersPage } from '../../src/github/page-reader.ts'
import { clientsFor, look } from '../support/emulated-thread.ts'
import { exhaustive, someOf } from '../support/tries.ts'
import { callsOf } from '../world/calls.ts'

const Named = z.object({ id: z.number(), node_id: z.string() })

let github: GitHubEmulator

beforeAll(async () => {
  github = await startGitHub()
})
afterEach(() => {
  github.clearFaults()
  expect(github.takeViolations()).toEqual([])
})
afterAll(() => github.close())

/** A comment that was written a while ago. */
async function scene() {
  const maya = github.as('maya')
  const { number } = await maya.opensIssue({ title: 'Login is flaky', body: '*As* said.' })
  const { id } = await maya.comments(number, '/codex **fix** it')
  const client = clientsFor(github, Named.parse(await look(github, '')).id)(number)
  const node = Named.parse(await look(github, `/issues/comments/${id}`)).node_id
  const words = {
    text: '/codex **fix** it',
    id: node,
    addresses: 'none' as const,
    mayBeMinimized: true,
  }
  await github.settled()
  github.forgetCalls()
  const calls = () => callsOf(github.calls).filter(name => !name.endsWith('/access_tokens'))
  return { client, node, words, calls }
}

describe('what the page shows', () => {
  test('of what was just written needs no call', async () => {
    const { client, words, calls } = await scene()
    const pages = await client.pages.shown([{ ...words, mayBeMinimized: false }])
    expect(pages.map(page => page?.text)).toEqual(['/codex fix it'])
    expect(calls()).toEqual([])
  })

  test('of what was written a while ago is asked for in one query', async () => {
    const { client, words, calls } = await scene()
    const pages = await client.pages.shown([
      words,
      { text: '*As* said.', addresses: 'none' },
      words,
    ])
    expect(pages.map(page => page?.text)).toEqual(['/codex fix it', 'As said.', '/codex fix it'])
    expect(calls()).toEqual(['graphql pages'])
  })

  test('of a minimized comment is nothing', async () => {
    const { client, node, words } = await scene()
    await client.thread.settle({ fold: node })
    expect((await client.pages.shown([words]))[0]).toMatchObject({
      text: '',
      own: [],
      elsewhere: [],
      minimized: true,
    })
  })

  test('is unknown when GitHub does not say, and never the text then', async () => {
    const { client, words } = await scene()
    github.fault({
      path: /graphql/,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', code: 502 },
    })
    expect(await client.pages.shown([words])).toEqual([undefined])
  })

  test('is unknown of what is nowhere, if it counts as it was at its time', async () => {
    const { client, words } = await scene()
    expect(await client.pages.shown([{ ...words, id: undefined, asked: 1 }])).toEqual([undefined])
  })

  test('is asked for again later at a rate limit', async () => {
    const { client, words } = await scene()
    github.fault({ path: /graphql/, fault: { kind: 'secondary-limit' } })
    await expect(client.pages.shown([words])).rejects.toMatchObject({ name: 'RetryLater' })
  })
})

/** ms of the processor that this thread took between two turns of its event loop, whatever else the machine does. */
async function longestHold(work: () => Promise<void>): Promise<number> {
  const spent = (): number =>
    Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
  let isDone = false
  const done = work().finally(() => {
    isDone = true
  })
  let longest = 0
  for (let before = spent(); !isDone; ) {
    await turn()
    const now = spent()
    longest = Math.max(longest, now - before)
    before = now
  }
  await done
  return longest
}

/** Measured again if need be: a machine that is busy makes a thread slower, and never faster. */
async function leastHold(work: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let n = 0; n < 3 && least >= most; n += 1) least = Math.min(least, await longestHold(work))
  return least
}

/** ms */
const most = 100

describe('64 KB of anything', () => {
  const reading = { webUrl: 'https://github.com', addresses: 'none' } as const
  const pageOf = (text: string) => readPage(text, reading)
  const warm = 'warm '.repeat(100)

  const units = [
    ...['Ａ', 'ß', 'a ', '__a__.', '<b>a', '\u{e0041}', '😀', '![', '*a_ ', '<br>', '|a', 'a\n=\n'],
    ...['/codex *a*\n\n', '/codex a b<!-- c -->\n\n', '<table><tr><td>', '[a](b) ', '> ', '- - - '],
  ]
  const texts = units.map(unit => `/codex go\n\n${unit.repeat(65_000 / unit.length)}`)

  test.each(someOf(texts, 3))(
    'of commands and what they hide: nobody else waits for it (%#)',
    async text => {
      await pageOf(warm)
      const held = await leastHold(async () => {
        const page = await pageOf(text)
        expect(parseCommands({ text, page }).length).toBeGreaterThan(0)
      })
      expect(held).toBeLessThan(most)
    },
  )

  test('a hundred short ones take turns', async () => {
    const short = ['![', '*a_ ', '> ', '[a](b) '].map(unit => unit.repeat(300 / unit.length))
    const held = await leastHold(async () => {
      await Promise.all(Array.from({ length: 100 }, (_, n) => pageOf(short[n % 4] ?? '')))
    })
    expect(held).toBeLessThan(most)
  })

  test.runIf(exhaustive)('nobody else waits for the pages of strangers', async () => {
    await Promise.all([pageOf(warm), readStrangersPage(warm, reading)])
    let read = 0
    const strangers = Array.from({ length: 10 }, async () => {
      await readStrangersPage('*a_ '.repeat(16_000), reading)
      read += 1
    })
    expect((await pageOf(`mine ${warm}`))?.text).toContain('mine')
    expect(read).toBeLessThan(strangers.length / 3)
    await Promise.all(strangers)
  })

  test('what is too large is not read, and the next one is', async () => {
    const [tooLarge, next] = await Promise.all([pageOf('**b** '.repeat(20_000)), pageOf(warm)])
    expect([tooLarge, next?.text]).toEqual([undefined, warm.trim()])
  })
})
