/** How much there is to read in each kind of thread: no more than there was when this was first counted. */
import { afterAll, expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { type Mailed, mailedBy, median, type ReadingCost, readingCost } from '../world/reading-cost.ts'
import type { Thread } from '../world/thread.ts'

/**
 * Before the thread was read beside those of other bots, counted by this file at commit c13ca65; the smaller number of
 * those on the two queues.
 */
const before: Readonly<Record<string, ReadingCost>> = {
  question: { comments: 2, notifications: 2, words: 62 },
  'pull request': { comments: 2, notifications: 2, words: 72 },
  plan: { comments: 2, notifications: 2, words: 72 },
  'plan, approved': { comments: 4, notifications: 4, words: 146 },
  'steered twice': { comments: 3, notifications: 3, words: 71 },
  stopped: { comments: 2, notifications: 2, words: 59 },
  failed: { comments: 2, notifications: 2, words: 83 },
  'three rounds': { comments: 6, notifications: 6, words: 159 },
  typo: { comments: 1, notifications: 1, words: 27 },
  help: { comments: 1, notifications: 1, words: 282 },
}

const counted: [string, ReadingCost][] = []

/** Medians of the last words of these threads. They were 31 and 54 in those of people. */
const mostWords = { inSight: 25, inMail: 35 }

/** Characters. */
const mostOfMarker = 220

/** All that was mailed in these threads, by world and comment. */
const mailed = new Map<string, Mailed>()

onEitherQueue('What a thread costs its readers', world => {
  const opens = (title: string, repository?: string) => opensIssue(world(), title, repository)

  /** A status that is not the last word itself is folded away below it, and only such a one. */
  const costs = async (kind: string, thread: Thread, status: 'folded' | 'open' = 'folded'): Promise<void> => {
    const { github } = world()
    if (status === 'folded') await thread.waitForFolded()
    await github.settled()
    for (const each of await mailedBy(thread)) mailed.set(`${github.url} ${each.id}`, each)
    const other = (await thread.botComments()).filter(
      ({ body }) => !body.startsWith('### ') || status === 'open',
    )
    expect(other.filter(({ minimized }) => minimized)).toEqual([])
    const now = await readingCost(thread)
    const then = before[kind]
    counted.push([kind, now])
    expect(now.comments, kind).toBeLessThanOrEqual(then?.comments ?? 0)
    expect(now.notifications, kind).toBeLessThanOrEqual(then?.notifications ?? 0)
    expect(now.words, kind).toBeLessThanOrEqual(then?.words ?? 0)
  }

  const reacted = async (thread: Thread, comment: { id: number }, content = 'rocket') =>
    thread.waitForReaction(content, comment.id)

  it('a question', async () => {
    world().posthog.script('why is it slow', {
      kind: 'answers',
      text: 'It reads the whole table for each request.\n\nAn index on `orders.user_id` would do.',
    })
    const { thread, says } = await opens('Slow page')
    await reacted(thread, await says('/codex why is it slow?'))
    await costs('question', thread)
  })

  it('a pull request', async () => {
    const { thread, says } = await opens('Flaky login')
    await reacted(thread, await says('/codex fix the flaky login test'))
    await costs('pull request', thread)
  })

  it('a plan that is approved', async () => {
    world().posthog.script('how to split', { kind: 'answers', text: '1. Move the models\n2. Move the views' })
    const { thread, run, says } = await opens('Split it')
    await reacted(thread, await says('/codex plan how to split it'))
    await costs('plan', thread)
    await run(0).finish('completed')
    world().posthog.script('Carry out the plan', { kind: 'opensPull' })
    await reacted(thread, await says('/codex approve'))
    await costs('plan, approved', thread)
  })

  it('words while it works', async () => {
    const { posthog } = world()
    posthog.script('build the cache', { kind: 'manual' })
    const { thread, run, says } = await opens('Steer me')
    await says('/codex build the cache')
    await thread.waitForStatus('⏳ Codex is working')
    await reacted(thread, await says('/codex use an LRU'), '+1')
    await reacted(thread, await says('/codex and keep it small'), '+1')
    for (const words of ['use an LRU', 'and keep it small'])
      posthog.script(words, { kind: 'answers', text: 'Done.' })
    await run(0).completeTurn('The cache is there.')
    await thread.waitForStatus(/^### 💬/)
    await costs('steered twice', thread)
  })

  it('a stop', async () => {
    world().posthog.script('count to infinity', { kind: 'hangs' })
    const { thread, says } = await opens('Stop me')
    const asked = await says('/codex count to infinity')
    await thread.waitForStatus('⏳ Codex is working')
    await reacted(thread, await says('/codex stop'), '+1')
    await world().github.waitFor(async () => (await thread.reactions(asked.id)).length === 0)
    await costs('stopped', thread, 'open')
  })

  it('a failure', async () => {
    world().posthog.script('flaky work', { kind: 'fails', message: 'usage limit reached' })
    const { thread, says } = await opens('Fails')
    await reacted(thread, await says('/codex flaky work'), 'confused')
    await costs('failed', thread)
  })

  /**
   * As GitHub mails: of each comment to all who take part in the thread, of a pull request to who follows those, and of
   * an assignment or a request to that person. Edits, reactions and folding are no mails.
   */
  const mails = async (thread: Thread, repository: string) => {
    await world().github.settled()
    const comments = (await thread.botComments()).length
    const pulls = await world().github.pulls(repository)
    const asked = comments + pulls.filter(({ involved }) => involved.includes('maya')).length
    return { comments, asked, followsPulls: pulls.length }
  }

  it('mails: few, and each for something to read', async () => {
    const { github, posthog } = world()
    const inOwn = async (name: string) => {
      const repository = await github.addRepo('acme', `mails-${name}`)
      return { ...(await opens(name, repository)), repository }
    }
    const plain = await inOwn('plain')
    await reacted(plain.thread, await plain.says('/codex do it'))
    await plain.thread.waitForFolded()
    expect(await mails(plain.thread, plain.repository)).toEqual({ comments: 2, asked: 3, followsPulls: 1 })

    const asks = await inOwn('asks')
    posthog.script(
      { repository: asks.repository, prompt: 'choose a name' },
      {
        kind: 'asksPermission',
        question: 'Which?',
        choices: ['a', 'b'],
        next: { kind: 'answers', text: 'It is a now.' },
      },
    )
    await reacted(asks.thread, await asks.says('/codex choose a name'))
    await asks.thread.waitForAnswer('Codex has a question')
    await asks.thread.waitForFolded()
    await reacted(asks.thread, await asks.says('/codex the first'))
    await asks.thread.waitForAnswer('It is a now.')
    await asks.thread.waitForFolded()
    expect(await mails(asks.thread, asks.repository)).toEqual({ comments: 4, asked: 4, followsPulls: 0 })
  })

  it('three rounds on one pull request', async () => {
    const { github, posthog } = world()
    const { thread, run, says } = await opens('Go on')
    await reacted(thread, await says('/codex start it'))
    for (const [round, more] of ['add tests', 'add docs'].entries()) {
      posthog.script(more, { kind: 'pushesToBranch', text: `Round ${round} is done.` })
      await run(-1).finish('completed')
      await says(`/codex ${more}`)
      await thread.waitForAnswer(`Round ${round} is done.`)
    }
    await github.settled()
    await costs('three rounds', thread)
  })

  it('a typo', async () => {
    const { thread, says } = await opens('Typo')
    await reacted(thread, await says('/codex --modle gpt-5 do it'), '-1')
    await costs('typo', thread, 'open')
  })

  it('help', async () => {
    const { thread, says } = await opens('Help')
    await reacted(thread, await says('/codex help'), '+1')
    await costs('help', thread, 'open')
  })
})

afterAll(() => {
  const row = ({ comments, notifications, words }: ReadingCost): string =>
    `${comments} | ${notifications} | ${words}`
  if (process.env.COSTS)
    for (const [kind, now] of counted)
      console.log(`| ${kind} | ${before[kind] ? row(before[kind]) : ''} | ${row(now)} |`)
  expect(counted.length).toBeGreaterThan(0)
  const all = [...mailed.values()]
  const lastWords = all.filter(({ as }) => as === 'closing')
  const inSight = median(lastWords.map(each => each.inSight))
  const inMail = median(lastWords.map(each => each.inMail))
  if (process.env.COSTS) console.log({ inSight, inMail, all })
  expect({ inSight, inMail }, 'words of a last word').toEqual({
    inSight: expect.toSatisfy(words => words <= mostWords.inSight),
    inMail: expect.toSatisfy(words => words <= mostWords.inMail),
  })
  // Only a status has the record from which a run is restored.
  for (const { as, marker } of all) expect(marker, as).toBeLessThan(mostOfMarker)
})
