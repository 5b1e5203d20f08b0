/** The queue is put back to an older state: it has forgotten its last minutes, and the threads have not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, redisAvailable } from '../support/redis-server.ts'
import { keepQueue, noRunIsLive, type While } from '../world/kept-queue.ts'
import { newRepository, opensIssue, type Talk } from '../world/opens-issue.ts'
import { ownStage } from '../world/shared-worlds.ts'
import type { QueueKind, World } from '../world/world.ts'

const rows: readonly [QueueKind, While][] = [
  ['redis', 'the bot runs'],
  ['redis', 'the bot is stopped'],
  ['embedded', 'the bot is stopped'],
]

describe.each(rows)('The queue (%s) is put back to an older state while %s', (queue, how) => {
  describe.skipIf(queue === 'redis' && !redisAvailable())(
    'one by one',
    { concurrent: false },
    () => {
      let world: World
      let redis: RedisServer | undefined
      let leave: () => Promise<unknown>
      beforeAll(async () => {
        const stage = await ownStage(queue, {})
        world = stage.world
        redis = stage.redis
        leave = stage.leave
      })
      afterAll(() => leave())

      const repositoryOf = (name: string, settings = 'limits: { repository: 1 }\n') =>
        newRepository(world, settings, { name })
      const asks = async (repository: string, words: string) =>
        more(await opensIssue(world, words, repository), words)
      const more = async (issue: Talk, words: string) => {
        world.posthog.script({ repository: issue.repository, prompt: words }, { kind: 'manual' })
        return { ...issue, asked: await issue.says(`/codex ${words}`), end: `Done: ${words}.` }
      }
      type Asked = Awaited<ReturnType<typeof asks>>
      const works = ({ thread }: Asked) => thread.waitForStatus('⏳ Codex is working')
      const waits = ({ thread }: Asked) => thread.waitForStatus('waits for its turn')
      const answers = async ({ run, thread, end }: Asked) => {
        await run(-1).completeTurn(end)
        await thread.waitForAnswer(end)
      }
      const isToldOnce = async ({ thread, ledger, end }: Asked) => {
        const { tasks, runs } = ledger()
        expect([tasks.length, runs.length]).toEqual([1, 1])
        expect((await thread.answers()).filter(answer => answer.includes(end))).toHaveLength(1)
        for (const status of await thread.statuses()) expect(status).not.toContain('⏳')
      }

      it('what began, started and ended since is done once, and nothing works for ever', async () => {
        const { github } = world
        const shop = await repositoryOf('shop-since')
        const bank = await repositoryOf('bank-since')
        const ended = await asks(shop, 'it ends')
        await works(ended)
        const starts = await asks(shop, 'it starts')
        const stopped = await asks(shop, 'it is stopped')
        for (const each of [starts, stopped]) await waits(each)
        // Its thread has a session that goes on.
        const first = await asks(bank, 'the first words')
        await works(first)
        await answers(first)
        await noFurther(first)
        const before = await asks(bank, 'it is in the way')
        await works(before)
        const goesOn = await more(first, 'the second words')
        await waits(goesOn)
        // A new queue looks everywhere, once.
        await github.waitFor(() =>
          github.calls.some(({ path }) => path === '/installation/repositories'),
        )
        await github.settled()

        const putBack = await keepQueue(world, redis, how)
        await stopped.says('/codex stop')
        await stopped.thread.waitForStatus('Stopped')
        await answers(ended)
        await works(starts)
        await answers(before)
        await github.waitFor(() => goesOn.ledger().messages.length === 1)
        await works(goesOn)
        const begun = await asks(await repositoryOf('lab-since'), 'it begins')
        await works(begun)
        await github.settled()
        await putBack()

        for (const each of [starts, begun]) await answers(each)
        await answers(goesOn)
        await noRunIsLive(world)
        for (const each of [ended, starts, first, before, begun, goesOn]) await isToldOnce(each)
        expect(goesOn.ledger().messages).toHaveLength(1)
        expect(await stopped.thread.status()).toContain('Stopped')
        expect(stopped.ledger().tasks).toEqual([])
        for (const { thread } of [ended, starts, stopped, before, begun])
          expect(await thread.statuses()).toHaveLength(1)
        expect(await first.thread.statuses()).toHaveLength(2)
      })

      const noFurther = ({ thread, asked }: Asked) => thread.waitForReaction('rocket', asked.id)
    },
  )
})
