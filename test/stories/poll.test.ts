/** `WEBHOOKS=poll`: GitHub reaches nobody, and the bot reads its log of deliveries. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startEnterprise } from '../../emulators/github/enterprise.ts'
import { freePort } from '../support/free-port.ts'
import { exhaustive } from '../support/tries.ts'
import { spawnBot } from '../world/bot.ts'
import { onBothQueues, onRedis } from '../world/on-queues.ts'
import { asks, opensIssue } from '../world/opens-issue.ts'
import { openSetUp } from '../world/set-up-by-hand.ts'
import { wipeQueue } from '../world/wipe-queue.ts'
import { startWorld, type World } from '../world/world.ts'

const env = { WEBHOOKS: 'poll' }

/** Ids of deliveries, each as often as its payload was read. */
const idsRead = ({ github }: World): string[] =>
  github.calls.flatMap(({ path }) => /\/app\/hook\/deliveries\/(\d+)$/.exec(path)?.[1] ?? [])

function timesRead(world: World, of = new Set(idsRead(world))): number[] {
  const ids = idsRead(world)
  return [...of].map(id => ids.filter(each => each === id).length)
}

it('from nothing to a linked pull request, with no address', async () => {
  const world = await startWorld({ roles: [], posthog: { repositories: ['acme/shop'] } })
  onTestFinished(() => world.close())
  const { github } = world
  const enterprise = await startEnterprise(github, world.env.WEBHOOK_SECRET ?? '')
  const folder = await mkdtemp(join(tmpdir(), 'poll-'))
  onTestFinished(async () => {
    await enterprise.close()
    await rm(folder, { recursive: true, force: true })
  })
  const bot = spawnBot({ GHE_PROTOCOL: 'http', LOG_FORMAT: 'json' }, await freePort(), folder)
  world.bots.push(bot)
  const { read, send, makesApp } = await openSetUp(bot, enterprise, world)
  expect(await read()).toContain('Try it behind a firewall')
  await makesApp()
  expect(enterprise.registered[0]?.manifest).toMatchObject({
    hook_attributes: { url: 'https://codex.invalid/', active: true },
  })
  expect(await read()).not.toMatch(/✗|Not right yet/)
  await send('/set-up/start')
  await bot.ready()

  const { number, thread } = await asks(world, 'fix the flaky login test')
  await thread.waitForAnswer('Codex opened draft')
  const [pull] = await github.pulls()
  expect(pull?.body).toContain(`Closes #${number}`)
  expect(github.webhooks.deliveries.filter(({ status }) => status === 'OK')).toEqual([])
  expect(world.github.calls.filter(({ path }) => path.endsWith('/attempts'))).toEqual([])
  expect((await fetch(`${bot.url}/api/github/webhooks`, { method: 'POST' })).status).toBe(404)
})

onBothQueues(
  'The bot reads the log of deliveries',
  world => {
    it.runIf(exhaustive)(
      'is killed over a delivery, and after one: each is done once',
      async () => {
        const { github } = world()
        const { thread, says, ledger } = await opensIssue(world(), 'Killed over it')
        const reading = github.fault({
          path: /\/app\/hook\/deliveries\/\d+$/,
          fault: { kind: 'hang' },
        })
        const asked = await says('/codex fix it')
        await github.waitFor(() => reading.hits > 0)
        await world().bot.stop('SIGKILL')
        await world().startBot()
        await world().bot.says(new RegExp(`"trigger":"[^"]*${asked.id}[^"]*"[^\\n]*"queued"`))
        await world().bot.stop('SIGKILL')
        await world().startBot()
        await thread.waitForAnswer('Codex opened draft')
        const helped = await says('/codex help')
        await thread.waitForReaction('+1', helped.id)
        expect(ledger().runs).toHaveLength(1)
        expect(await thread.statuses()).toHaveLength(1)
        expect(await thread.answers()).toHaveLength(2)
      },
    )

    it.runIf(exhaustive)(
      'passes over a payload that is too large, and takes what came with it',
      async () => {
        const { github } = world()
        const { thread, says, number } = await opensIssue(world(), 'Beside a large one')
        const large = {
          action: 'created',
          issue: { number },
          comment: { body: 'x'.repeat(7 * 1024 * 1024) },
        }
        github.webhooks.enqueue('issue_comment', large)
        await says('/codex help')
        await thread.waitForAnswer('/codex')
        await world().bot.says(/larger than \d+ bytes/)
        await github.settled()
      },
    )

    it.runIf(exhaustive)('loses its queue: what was done is not done again', async () => {
      const { github } = world()
      const { thread, says, makes, ledger } = await opensIssue(world(), 'Read again')
      await says('/codex help')
      await thread.waitForAnswer('/codex')
      await makes('fix it')
      await github.settled()
      const said = (await thread.botComments()).length
      const before = new Set(idsRead(world()))
      await wipeQueue(world(), env)
      const last = await says('/codex status')
      await thread.waitForReaction('+1', last.id)
      await github.waitFor(() => Math.min(...timesRead(world(), before)) > 1)
      expect(ledger().runs).toHaveLength(1)
      expect(await thread.botComments()).toHaveLength(said + 1)
    })

    it.runIf(exhaustive)('gets an address later: what was read is not done again', async () => {
      const { github } = world()
      const { thread, says, ledger } = await opensIssue(world(), 'Moves out')
      await says('/codex fix it')
      await thread.waitForAnswer('Codex opened draft')
      await github.settled()
      await world().bot.stop()
      await world().startBot('all', { WEBHOOKS: 'address' })
      const helped = await says('/codex help')
      await thread.waitForReaction('+1', helped.id)
      expect(ledger().runs).toHaveLength(1)
      expect(await thread.statuses()).toHaveLength(1)
      await world().bot.stop()
      await world().startBot()
    })
  },
  { env, oneByOne: true },
)

onRedis(
  'Many processes read the log of deliveries',
  world => {
    it.runIf(exhaustive)('each delivery is read by one of them', async () => {
      const { github } = world()
      const { thread, says, ledger } = await opensIssue(world(), 'Many')
      for (let n = 0; n < 5; n++) await says('/codex help')
      await says('/codex fix it')
      await thread.waitForAnswer('Codex opened draft')
      await github.waitFor(async () => (await thread.answers()).length === 6)
      expect(new Set(timesRead(world()))).toEqual(new Set([1]))
      expect(ledger().runs).toHaveLength(1)
    })
  },
  { env, roles: ['web', 'worker', 'worker', 'worker'] },
)
