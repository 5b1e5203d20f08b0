import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { Thread } from '../world/thread.ts'

const filled = (unit: string, length = 60_000): string =>
  unit.repeat(Math.ceil(length / unit.length)).slice(0, length)

/** What blocked a bot for minutes, or ended it. */
const texts = ['a\n=\n', '- - - ', '> ', '![', '*a_ ', '|a|\n|-|\n', '-eyJ', '~~~ ', '](a        ', '{'].map(
  unit => filled(unit),
)

/** A process that does nothing else: how long it takes to answer is the machine's doing. */
let idle: ChildProcess
let idleUrl = ''
beforeAll(async () => {
  idle = spawn(process.execPath, [
    '-e',
    "const s = require('http').createServer((_, r) => r.end()).listen(0, '127.0.0.1', () => console.log(s.address().port))",
  ])
  idleUrl = await new Promise(resolve =>
    idle.stdout?.once('data', port => resolve(`http://127.0.0.1:${String(port).trim()}`)),
  )
})
afterAll(() => void idle.kill())

const took = async (url: string): Promise<number> => {
  const began = performance.now()
  const { status } = await fetch(url)
  expect(status).toBe(200)
  return performance.now() - began
}

onBothQueues(
  'Whatever somebody writes',
  world => {
    /** By how much `/healthz` was slower than an idle process, at the most, while something goes on. */
    const slowest = async (going: Promise<unknown>): Promise<number> => {
      let over = false
      const ended = going.finally(() => {
        over = true
      })
      let longest = 0
      while (!over) {
        const [answer, machine] = await Promise.all([took(`${world().bot.url}/healthz`), took(idleUrl)])
        longest = Math.max(longest, answer - machine)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      await ended
      return longest
    }

    it('the bot answers within a second, lives, and serves the next command', {
      timeout: 120_000,
    }, async () => {
      const { github, bot } = world()
      const pid = bot.pid
      const [maya, eve] = [github.as('maya'), github.as('eve')]
      const issue = await maya.opensIssue({ title: filled('`*[<', 250), body: texts[0] ?? '' })
      const attack = async (): Promise<void> => {
        for (const text of texts) {
          await eve.comments(issue.number, `${text}\n\n/codex do it`)
          await maya.comments(issue.number, `<b>${text}\n/codex queue`)
        }
        await maya.comments(issue.number, '/codex do it')
        const thread = new Thread(world(), issue.number)
        await thread.waitForAnswer('pull request is ready', { timeout: 90_000 })
      }
      expect(await slowest(attack())).toBeLessThan(1_000)
      const next = await maya.comments(issue.number, '/codex help')
      await new Thread(world(), issue.number).waitForReaction('rocket', next.id)
      expect(bot.pid).toBe(pid)
    })

    it('a settings file of brackets is a problem in words', async () => {
      const { github } = world()
      for (const file of [
        filled('{'),
        filled('- - ', 40_000),
        filled('a: &a [*a]\n'),
        filled('['),
        filled('x', 1_000_000),
      ]) {
        const repository = await github.addRepo('acme', `deep-${Math.random().toString(36).slice(2, 8)}`)
        await github.as('olga', repository).pushes('main', { '.github/codex.yml': file })
        const maya = github.as('maya', repository)
        const issue = await maya.opensIssue({ title: 'Deep', body: 'x' })
        const told = maya
          .comments(issue.number, '/codex do it')
          .then(() => new Thread(world(), issue.number, repository).waitForAnswer('.github/codex.yml'))
        expect(await slowest(told)).toBeLessThan(1_000)
      }
    })
  },
  { oneByOne: true },
)
