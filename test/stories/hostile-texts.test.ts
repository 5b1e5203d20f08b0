import { expect, it, vi } from 'vitest'
import { someOf } from '../support/tries.ts'
import type { Bot } from '../world/bot.ts'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository, opensIssue } from '../world/opens-issue.ts'
import { Thread } from '../world/thread.ts'

/** GitHub takes 65,536 characters. */
const filled = (unit: string, length = 65_000): string =>
  unit.repeat(Math.ceil(length / unit.length)).slice(0, length)

/** What blocked a bot for minutes, or ended it. */
const units = [
  ...['a\n=\n', '- - - ', '> ', '![', '*a_ ', '|a|\n|-|\n', '-eyJ', '~~~ ', '](a        ', '{'],
  ...['<blockquote>', '<table><tr><td>', 'Ａ', '😀'],
]
const texts = someOf(units, 5).map(unit => filled(unit))

/** Some of them are no words for a diff, a file name or a branch. */
const worst = ['![', '-eyJ', '](a        ']

/**
 * In ms of the processor: a text has 30 in a turn of its own, and is tried again where others take most of the
 * machine. Whatever else falls into that turn counts, too: the answer of GitHub with all of a thread's comments, the
 * work of the embedded database, a garbage collection. Without a defence it is seconds.
 */
const maxTurn = 400

/** How long one turn of the event loop took at most since it was asked last, in milliseconds. */
async function longestTurn(bot: Bot): Promise<number> {
  const said = bot.output().length
  bot.signal('SIGUSR2')
  const pattern = /longest turn: (\d+) ms/
  const answer = await vi.waitUntil(() => pattern.exec(bot.output().slice(said)), {
    timeout: 150_000,
  })
  return Number(answer[1])
}

const probe = `--import=${new URL('../world/loop-probe.js', import.meta.url)}`

/** What goes on takes no long turn of the bot, and it answers all the while. */
async function holdsNobodyUp(bot: Bot, goingOn: () => Promise<unknown>): Promise<void> {
  await longestTurn(bot)
  let over = false
  const ended = goingOn().finally(() => {
    over = true
  })
  while (!over) {
    expect((await fetch(`${bot.url}/healthz`)).status).toBe(200)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  await ended
  expect(await longestTurn(bot)).toBeLessThan(maxTurn)
}

onEitherQueue(
  'Whatever somebody writes',
  world => {
    it('the bot answers within a second, lives, and serves the next command', async () => {
      const { github, bot } = world()
      const pid = bot.pid
      const [maya, eve] = [github.as('maya'), github.as('eve')]
      const issue = await maya.opensIssue({ title: filled('`*[<', 250), body: texts[0] ?? '' })
      const thread = new Thread(world(), issue.number)
      await holdsNobodyUp(world().bot, async () => {
        for (const text of texts) {
          await eve.comments(issue.number, `${text}\n\n/codex do it`)
          await maya.comments(issue.number, `<b>${text}\n/codex status`)
        }
        await maya.comments(issue.number, '/codex do it')
        await thread.waitForAnswer('Codex opened draft')
      })
      const next = await maya.comments(issue.number, '/codex help')
      await thread.waitForReaction('+1', next.id)
      expect(bot.pid).toBe(pid)
    })

    it('a review, its lines, its hunks, its files, its branch and its label hold nobody up', async () => {
      const { github, posthog } = world()
      const [maya, eve, olga] = [github.as('maya'), github.as('eve'), github.as('olga')]
      const branch = `x/${filled('-eyJ`!<b_$(@a|', 230)}`
      const paths = ['![<|-eyJ', '-eyJ*a_ ', '[a](b) `$'].map(
        unit => `${filled(`${filled(unit, 250)}/`, 3_900)}a.ts`,
      )
      await maya.pushes(branch, Object.fromEntries(paths.map(path => [path, 'one\n'])))
      for (const [n, path] of paths.entries())
        github.showsHunk(path, `@@ -0,0 +1 @@\n${filled(`+${worst[n]}\n`, 300_000)}`)
      const { number } = await maya.opensPull({
        head: branch,
        title: filled('`*[<', 250),
        body: filled('!['),
      })
      const thread = new Thread(world(), number)
      posthog.script('address these', { kind: 'pushesToBranch', text: 'Addressed.' })
      await holdsNobodyUp(world().bot, async () => {
        const comments = paths.map((path, n) => ({ path, line: 1, body: filled(worst[n] ?? '') }))
        await eve.reviews(number, { body: `${filled('- - - ')}\n\n/codex do it`, comments })
        for (const each of comments)
          await eve.commentsOnLine(number, { ...each, body: `${each.body}\n\n/codex do it` })
        await olga.reviews(number, { body: `<b>${filled('*a_ ')}\n\n/codex status`, comments })
        const [first] = comments
        if (first)
          await olga.commentsOnLine(number, {
            ...first,
            body: `/codex status\n\n${filled('](a        ')}`,
          })
        await maya.reviews(number, { body: '/codex address these', comments })
        await thread.waitForAnswer('@maya done')
        const label = `codex:${filled('-eyJ`*[<', 44)}`
        await maya.labels(number, label)
        await thread.waitForAnswer('there is no label preset')
      })
      const next = await maya.comments(number, '/codex help')
      await thread.waitForReaction('+1', next.id)
    })

    it('a settings file of brackets is a problem in words', async () => {
      const files = ['{', '[', 'a: &a [*a]\n'].map(unit => filled(unit))
      for (const file of someOf([...files, filled('- - ', 40_000), filled('x', 1_000_000)], 2)) {
        const { says, thread } = await opensIssue(
          world(),
          'Deep',
          await newRepository(world(), file),
        )
        await holdsNobodyUp(world().bot, async () => {
          await says('/codex do it')
          await thread.waitForAnswer('.github/codex.yml')
        })
      }
    })
  },
  { oneByOne: true, env: { NODE_OPTIONS: probe } },
)

/** Of these, much is written down, and the embedded database does that in the process itself. */
onBothQueues(
  'Whatever is kept of it',
  world => {
    it('a thread full of long comments by its author holds nobody up', async () => {
      const { github } = world()
      const [maya, eve] = [github.as('maya'), github.as('eve')]
      const issue = await eve.opensIssue({ title: 'Long', body: filled('[a](b) ') })
      const image = '![a](https://github.com/user-attachments/assets/0f8fad5b)\n'
      for (const unit of ['[a](b) ', 'a\n\n', image])
        for (let n = 0; n < 10; n += 1) await eve.comments(issue.number, filled(unit))
      await github.settled()
      await holdsNobodyUp(world().bot, async () => {
        await maya.comments(issue.number, '/codex do it')
        await new Thread(world(), issue.number).waitForAnswer('Codex opened draft')
      })
    })

    it('lists of the agent hold nobody up', async () => {
      const { posthog } = world()
      posthog.script('list it all', { kind: 'manual' })
      const { says, thread, started, run: runAt } = await opensIssue(world(), 'Long lists')
      const asked = await says('/codex list it all')
      await started(1)
      const run = runAt(0)
      const each = <T>(of: (n: number) => T): T[] => Array.from({ length: 50_000 }, (_, n) => of(n))
      await holdsNobodyUp(world().bot, async () => {
        await run.store('_posthog/permission_request', {
          requestId: 'r',
          toolCall: { title: 'Which one?' },
          options: each(n => ({ optionId: `o${n}`, name: `Option ${n}`, kind: 'allow_once' })),
        })
        run.setOutput({ pr_urls: each(n => `https://github.com/acme/elsewhere/pull/${n}`) })
        await thread.waitForAnswer('And 49980 more options')
        await run.store('_posthog/permission_resolved', { requestId: 'r' })
        await run.completeTurn('That was all.')
        await thread.waitForReaction('rocket', asked.id)
      })
    })

    it('answers of the agent hold nobody up', async () => {
      const answered = async (unit: string, n: number): Promise<void> => {
        const answer = { kind: 'answers', text: filled(unit, 255_000) } as const
        const { thread } = await asks(world(), `say ${n}.`, answer)
        await thread.waitForFolded()
      }
      await holdsNobodyUp(world().bot, () =>
        Promise.all(['a\n=\n', '![', '-eyJ', '*a_ '].map(answered)),
      )
    })
  },
  { oneByOne: true, env: { NODE_OPTIONS: probe } },
)
