/** `/codex fix --until-green` goes on after each round whose checks failed, until something ends it. */
import { describe, expect, it } from 'vitest'
import { bringUp, died } from '../chaos/mortal-bot.ts'
import { exhaustive } from '../support/tries.ts'
import { callsOf } from '../world/calls.ts'
import { onEitherQueue, onRedis } from '../world/on-queues.ts'
import { newRepository, opensPull } from '../world/opens-issue.ts'
import { wipeQueue } from '../world/wipe-queue.ts'
import { startWorld, type World } from '../world/world.ts'

const fix = 'Fix what pull request'

/** Maya has asked for it, on a pull request of hers with a failed check. */
async function asksUntilGreen(world: World, most: number) {
  const { github, posthog } = world
  const repository = await newRepository(world, `limits: { fix_rounds: ${most} }\n`)
  const pull = await opensPull(world, 'red', { repository })
  posthog.script({ repository, prompt: fix }, { kind: 'pushesToBranch', text: 'Tried.' })
  const fails = () => github.checks(pull.number, 'unit tests', 'FAILURE', repository)
  const passes = () => github.checks(pull.number, 'unit tests', 'SUCCESS', repository)
  fails()
  const asked = await pull.says('/codex fix --until-green')
  const sent = () => {
    const { runs, messages } = pull.ledger()
    return [...runs, ...messages].filter(({ body }) => JSON.stringify(body).includes(fix)).length
  }
  return { ...pull, fails, passes, asked, sent }
}

/** It has pushed. */
async function afterFirstRound(world: World, most: number) {
  const pull = await asksUntilGreen(world, most)
  await pull.thread.waitForAnswer(`**Round 1 of ${most}**`)
  return pull
}

/** By what `status` says. */
async function isIdle({ github }: World, { thread, says }: Pick<Asked, 'thread' | 'says'>): Promise<boolean> {
  const answered = (await thread.answers()).length
  await says('/codex status')
  const answer = await github.waitFor(async () => (await thread.answers())[answered])
  return answer.includes('nothing is going on here now.')
}

type Asked = Awaited<ReturnType<typeof asksUntilGreen>>

onEitherQueue('/codex fix --until-green', world => {
  const firstRound = (most = 3) => afterFirstRound(world(), most)

  const looksAgain = (repository: string) =>
    world().bot.says(new RegExp(`"repository":"${repository}".*"looks again later"`))

  it('goes on while checks fail, says which round it is, and ends when they are green', async () => {
    const { number, thread, fails, passes, sent } = await firstRound()
    fails()
    const second = await thread.waitForAnswer(
      '**Round 2 of 3**: if checks fail now, Codex goes on by itself.',
    )
    expect(second).toContain('@maya ')
    passes()
    await thread.waitForAnswer(`@maya #${number} is green: 1 check passed, and none failed.`)
    expect(sent()).toBe(2)
  })

  it.runIf(exhaustive)('waits for checks that run, but not for our own that waits for people', async () => {
    const { github } = world()
    const { number, repository, thread, fails, passes, says, sent } = await firstRound()
    github.beginsCheck(number, 'lint', repository)
    fails()
    await github.settled()
    await says('/codex status')
    await thread.waitForAnswer('`--until-green` by `maya` waits for the checks of its pull request.')
    expect(sent()).toBe(1)
    github.checks(number, 'lint', 'SUCCESS', repository)
    await thread.waitForAnswer('**Round 2 of 3**')
    github.beginsCheck(number, 'codex approval', repository, github.appId)
    passes()
    await thread.waitForAnswer(`#${number} is green: 1 check passed`)
  })

  it.runIf(exhaustive)(
    'asks nothing because of an older commit, and ends where the new one has no checks',
    async () => {
      const { number, thread, sent } = await firstRound()
      await thread.waitForAnswer(`@maya the bot sees no checks of #${number}`)
      expect(sent()).toBe(1)
    },
  )

  it('ends when the rounds are used up', async () => {
    const { number, thread, fails, sent } = await firstRound(1)
    expect((await thread.answers()).join()).toContain('**Round 1 of 1**, the last one.')
    fails()
    await thread.waitForAnswer(
      `@maya checks of #${number} fail. An agent was sent 1 time to fix it, and the limit is 1, so Codex does not go on.`,
    )
    expect(sent()).toBe(1)
  })

  it.runIf(exhaustive)('ends after a round that changed nothing', async () => {
    const { posthog } = world()
    const { repository, thread, fails, sent } = await firstRound()
    posthog.script({ repository, prompt: fix }, { kind: 'answers', text: 'It is the runner that is broken.' })
    fails()
    const last = await thread.waitForAnswer('It is the runner that is broken.')
    expect(last).toContain('🔁 **Round 2 of 3** changed nothing, so Codex does not go on.')
    expect(sent()).toBe(2)
  })

  it('ends when somebody stops it between two rounds', async () => {
    const { github } = world()
    const { number, thread, fails, says, sent } = await firstRound()
    await says('/codex stop', 'mario')
    await thread.waitForAnswer(
      `@maya \`mario\` stopped this, so Codex does not go on until #${number} is green.`,
    )
    fails()
    await github.settled()
    await says('/codex status')
    await thread.waitForAnswer('nothing is going on here now.')
    expect((await thread.answers()).join()).not.toContain('so there is nothing to stop')
    expect(sent()).toBe(1)
  })

  it('ends when the comment that asked for it is deleted', async () => {
    const { github } = world()
    const pull = await firstRound()
    const { maya, asked, fails, sent } = pull
    await maya.deletesComment(asked.id)
    await github.waitFor(() => isIdle(world(), pull))
    fails()
    await github.settled()
    expect(await isIdle(world(), pull)).toBe(true)
    expect(sent()).toBe(1)
  })

  it('ends when the pull request is closed', async () => {
    const { number, repository, thread, maya, sent } = await firstRound()
    await looksAgain(repository)
    await maya.closes(number)
    await thread.waitForAnswer(
      `Codex does not wait for the checks of #${number} any more, because it was closed`,
    )
    expect(sent()).toBe(1)
  })

  it('ends when the repository is paused', async () => {
    const { number, thread, fails, says, sent } = await firstRound()
    await says('/codex pause release', 'mario')
    await thread.waitForAnswer('Codex is paused in this repository.')
    fails()
    const told = await thread.waitForAnswer(
      `@maya checks of #${number} fail, but Codex does not go on by itself.`,
    )
    expect(told).toMatch(/Paused since .* by mario: release\./)
    await says('/codex resume', 'mario')
    await thread.waitForAnswer('Nothing waited.')
    expect(sent()).toBe(1)
  })

  it('ends when whoever asked may not start runs any more', async () => {
    const { github } = world()
    const { repository, thread, fails, sent } = await firstRound()
    // It has looked before, and asks anew.
    await looksAgain(repository)
    await github.setRole('maya', 'read', repository)
    fails()
    await thread.waitForAnswer('@maya you need write permission to start a run. You have read.')
    expect(sent()).toBe(1)
  })
})

onRedis(
  'Until green, with a bot that dies between two rounds and webhooks that come twice',
  world => {
    it.runIf(exhaustive)('each round comes once', async () => {
      const { github } = world()
      const dying = await bringUp(world(), { point: 'before the end' })
      const { number, thread, fails, passes, sent } = await asksUntilGreen(world(), 3)
      expect(await died(dying, 150_000)).toBeDefined()
      await bringUp(world())
      fails()
      await thread.waitForAnswer('**Round 2 of 3**')
      passes()
      await thread.waitForAnswer(`#${number} is green`)
      for (const { id } of [...github.webhooks.deliveries]) github.webhooks.redeliver(id)
      await github.settled()
      expect(sent()).toBe(2)
      expect((await thread.answers()).filter(each => each.includes('is green'))).toHaveLength(1)
    })
  },
  { roles: [] },
)

describe.runIf(exhaustive)('The queue is lost while checks are waited for', { concurrent: true }, () => {
  it('the rounds go on where they were', async () => {
    const world = await startWorld()
    const { number, thread, fails, sent } = await afterFirstRound(world, 2)
    await world.github.settled()
    await wipeQueue(world)
    fails()
    await thread.waitForAnswer('**Round 2 of 2**')
    fails()
    await thread.waitForAnswer(`checks of #${number} fail. An agent was sent 2 times to fix it`)
    expect(sent()).toBe(2)
    await world.close()
  })

  it('what a later round says is said once', async () => {
    const world = await startWorld()
    const { thread, fails, passes, sent } = await afterFirstRound(world, 3)
    fails()
    await thread.waitForAnswer('**Round 2 of 3**')
    passes()
    await thread.waitForAnswer('is green')
    await world.github.settled()
    await wipeQueue(world)
    await world.bot.says(/"trigger":"until-green-[^\n]*"accepted"/)
    await world.bot.says(/"run":"run-until-green-[^\n]*"outcome":"added"/)
    await world.github.settled()
    expect((await thread.answers()).filter(each => each.includes('is green'))).toHaveLength(1)
    expect(sent()).toBe(2)
    await world.close()
  })

  it('what was stopped stays stopped', async () => {
    const world = await startWorld()
    const { thread, fails, says, sent } = await afterFirstRound(world, 2)
    await says('/codex stop', 'mario')
    await thread.waitForAnswer('`mario` stopped this')
    fails()
    await world.github.settled()
    await wipeQueue(world)
    world.github.forgetCalls()
    await world.github.waitFor(() => callsOf(world.github.calls).includes('graphql pullNeeds'))
    await world.github.waitFor(() => isIdle(world, { says, thread }))
    expect(sent()).toBe(1)
    await world.close()
  })
})

it.runIf(exhaustive)('does not go on for a comment that was deleted while the agent worked', async () => {
  const world = await startWorld()
  const { github, posthog } = world
  const pull = await opensPull(world, 'red')
  github.checks(pull.number, 'unit tests', 'FAILURE')
  posthog.script(fix, { kind: 'manual' })
  const asked = await pull.says('/codex fix --until-green')
  await pull.started(1)
  // Nobody tells the bot before it has ended.
  github.webhooks.mode = { kind: 'paused' }
  await pull.maya.deletesComment(asked.id)
  await pull.run(0).openPull()
  github.checks(pull.number, 'unit tests', 'FAILURE')
  await pull.run(0).completeTurn('Tried.')
  await world.bot.says(/"until-green-[^\n]*"accepted"/)
  github.webhooks.mode = { kind: 'normal' }
  await github.webhooks.flush('in order')
  await pull.says('/codex status')
  await pull.thread.waitForAnswer('nothing is going on here now.')
  expect(pull.ledger().messages).toHaveLength(0)
  expect(pull.ledger().runs).toHaveLength(1)
  await world.close()
})
