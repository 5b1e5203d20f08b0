/** What the page shows of a text, from GitHub: its own HTML, what it renders on request, or nothing. */
import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startGitHub } from '../../emulators/github/emulator.ts'
import type { GitHubEmulator } from '../../emulators/github/github.ts'
import { renderMarkdownNow } from '../../emulators/github/markdown.ts'
import { parseCommands } from '../../src/commands/command-registry.ts'
import type { WrittenText } from '../../src/core/model/ports.ts'
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
  github.graphql.denies = []
  expect(github.takeViolations()).toEqual([])
})
afterAll(() => github.close())

/** A thread with a description and a comment. */
async function scene({ body = '*As* said.', comment = '/codex **fix** it' } = {}) {
  const maya = github.as('maya')
  const { number } = await maya.opensIssue({ title: 'Login is flaky', body })
  const { id } = await maya.comments(number, comment)
  const repoId = Named.parse(await look(github, '')).id
  const client = clientsFor(github, repoId, text => text.replaceAll('hush', '•••'))(number)
  const node = Named.parse(await look(github, `/issues/comments/${id}`)).node_id
  const addresses = 'host' as const
  const description: WrittenText = { text: body, of: { kind: 'thread' }, addresses }
  const words: WrittenText = { text: comment, of: { kind: 'node', id: node }, addresses }
  await github.settled()
  github.forgetCalls()
  const calls = () => callsOf(github.calls).filter(name => !name.endsWith('/access_tokens'))
  return { client, maya, id, node, description, words, calls }
}

describe('what the page shows', () => {
  test('is asked for in one query, of the texts that are used', async () => {
    const { client, description, words, calls } = await scene()
    const pages = await client.pages.shown([description, words])
    expect(pages.map(page => page?.text)).toEqual(['As said.', '/codex fix it'])
    expect(calls()).toEqual(['graphql pages'])
  })

  test('of plain words needs no call, but of what was edited', async () => {
    const { client, words, calls } = await scene({ comment: '/codex fix it' })
    expect((await client.pages.shown([words]))[0]?.own).toHaveLength(1)
    expect(calls()).toEqual([])
    expect((await client.pages.shown([{ ...words, mayBeMinimized: true }]))[0]?.own).toHaveLength(1)
    expect(calls()).toEqual(['graphql pages'])
  })

  test('of a text that was changed since, or is nowhere, is what GitHub renders of it', async () => {
    const { client, maya, id, words, calls } = await scene()
    await maya.editsComment(id, 'Something else.')
    github.forgetCalls()
    const [edited, nowhere] = await client.pages.shown([
      words,
      { text: 'a<br>b', addresses: 'host' },
    ])
    expect([edited?.text, nowhere?.text]).toEqual(['/codex fix it', 'a\nb'])
    expect(calls()).toEqual(['POST markdown', 'POST markdown', 'graphql pages'])
  })

  test('is without secrets, which were there when it was written', async () => {
    const { client, words } = await scene({ comment: '/codex **say** hush' })
    const [page] = await client.pages.shown([{ ...words, text: '/codex **say** •••' }])
    expect(page?.text).toBe('/codex say •••')
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

  test.each(['error', 'empty'] as const)('comes late (%s): then GitHub renders it', async kind => {
    const comment = `/codex **fix** it, ${kind}`
    const { client, description, words, calls } = await scene({ comment })
    github.pages.fails(comment, kind, 1)
    expect((await client.pages.shown([description, words])).map(page => page?.text)).toEqual([
      'As said.',
      `/codex fix it, ${kind}`,
    ])
    expect(calls()).toEqual(['POST markdown', 'graphql pages'])
  })

  test('of what GitHub does not show is what it renders', async () => {
    const { client, words, calls } = await scene()
    github.graphql.denies = ['IssueComment.bodyHTML']
    expect((await client.pages.shown([words]))[0]?.text).toBe('/codex fix it')
    expect(calls()).toEqual(['POST markdown', 'graphql pages'])
  })

  test('is unknown when neither answers, and never the raw text', async () => {
    const { client, words } = await scene()
    github.fault({
      path: /graphql|markdown/,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', code: 502 },
    })
    expect(await client.pages.shown([words])).toEqual([undefined])
  })

  test('is asked for again later at a rate limit', async () => {
    const { client, words } = await scene()
    github.fault({ path: /graphql/, fault: { kind: 'secondary-limit' } })
    await expect(client.pages.shown([words])).rejects.toMatchObject({ name: 'RetryLater' })
  })

  test('is rendered thirty times an hour for a thread, not more', async () => {
    const { client, calls } = await scene()
    const texts = Array.from({ length: 32 }, (_, n) => ({
      text: `*a* ${n}`,
      addresses: 'host' as const,
    }))
    const pages = await client.pages.shown(texts)
    expect(pages.filter(page => page === undefined)).toHaveLength(2)
    expect(calls()).toHaveLength(30)
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

describe('64 KB of anything', () => {
  const heavy = {
    tags: '<b>a</b>'.repeat(40_000),
    blocks: '<blockquote>a</blockquote>'.repeat(40_000),
    breaks: '<br>'.repeat(100_000),
    tables: '<table><tr><td>a</td></tr></table>'.repeat(10_000),
    rows: `<table>${'<tr><td>a</td><td>b</td></tr>'.repeat(16_000)}</table>`,
    misnested: '<i>a<b>b</i>c</b>'.repeat(8_000),
    links: '<a href="x">a</a>'.repeat(40_000),
  }
  const pageOf = (html: string, text = '') =>
    readPage({ text, html }, { webUrl: 'https://github.com', addresses: 'host' })

  test.each(someOf(Object.entries(heavy), 3))('%s: the event loop goes on', async (_, html) => {
    await pageOf('<p>warm</p>')
    let isDone = false
    const read = pageOf(html).finally(() => {
      isDone = true
    })
    // Counted and not timed, as other work holds the processors: read here it would be one turn.
    let turns = 0
    for (; !isDone; turns++) await turn()
    expect(await read).toBeDefined()
    expect(turns).toBeGreaterThan(20)
  })

  const units = [
    'Ａ',
    'ß',
    'a ',
    '__a__.',
    '<b>a',
    '\u{e0041}',
    '😀',
    '/codex *a*\n\n',
    '/codex a b<!-- c -->\n\n',
  ]
  const texts = units.map(unit => `/codex go\n\n${unit.repeat(65_536 / unit.length)}`)

  test.each(someOf(texts, 3))(
    'of commands and what they hide: nobody else waits for it (%#)',
    async text => {
      const html = renderMarkdownNow(text)
      const held = await longestHold(async () => {
        const page = await pageOf(html, text)
        expect(parseCommands({ text, page }).length).toBeGreaterThan(0)
      })
      expect(held).toBeLessThan(100)
    },
  )

  test.runIf(exhaustive)('nobody else waits for the pages of strangers', async () => {
    const reading = { webUrl: 'https://github.com', addresses: 'host' } as const
    await Promise.all([
      pageOf('<p>warm</p>'),
      readStrangersPage({ text: '', html: '<p>warm</p>' }, reading),
    ])
    let read = 0
    const strangers = Array.from({ length: 30 }, async () => {
      await readStrangersPage({ text: '', html: heavy.rows }, reading)
      read += 1
    })
    expect((await pageOf('<p>mine</p>'))?.text).toBe('mine')
    expect(read).toBeLessThan(strangers.length / 3)
    await Promise.all(strangers)
  })

  test('six comments of code in code take no time', async () => {
    const text = `/codex status\n\n${'<code>x'.repeat(1_600)}`
    const html = renderMarkdownNow(text)
    await pageOf('<p>warm</p>')
    const before = process.cpuUsage()
    const pages = await Promise.all([1, 2, 3, 4, 5, 6].map(() => pageOf(html, text)))
    const { user } = process.cpuUsage(before)
    expect(pages.map(page => page?.text.length ?? 0).every(length => length > 0)).toBe(true)
    // ms of a processor; they took six times five seconds.
    expect(user / 1_000).toBeLessThan(3_000)
  })

  test('what is too large is not read, and the next one is', async () => {
    const [tooLarge, next] = await Promise.all([
      pageOf('<b>'.repeat(1_400_000)),
      pageOf('<p>next</p>'),
    ])
    expect([tooLarge, next?.text]).toEqual([undefined, 'next'])
  })
})
