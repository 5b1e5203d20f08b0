/** The bot is called something else, by whoever runs it. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'
import type { World } from '../world/world.ts'

const github = (world: () => World) => world().github

const settings =
  'trigger: {word: Robo, labels: [robo, "help wanted"]}\nowners: {2: {trigger: {word: globo}}}\n'

onEitherQueue(
  'The bot has another name',
  world => {
    const issueIn = async (owner: string, title = 'Words') => {
      const { github } = world()
      const repository = await github.addRepo(owner, `words-${Math.random().toString(36).slice(2, 8)}`)
      const maya = github.as('maya', repository)
      const { number } = await maya.opensIssue({ title, body: 'x' })
      return { maya, number, repository, thread: new Thread(world(), number, repository) }
    }

    it('is heard by it and by nothing else, and calls itself so', async () => {
      const { maya, number, repository, thread } = await issueIn('acme')
      await maya.comments(number, '/codex do it')
      await maya.comments(number, '/robo helpp')
      expect(await thread.waitForAnswer('Did you mean')).toContain('`/robo help`')
      await maya.comments(number, '/ROBO do it\n\n/codex is no word of this bot')
      await thread.waitForStatus('🚀')
      await maya.comments(number, '/robo help')
      expect(await thread.waitForAnswer('Write a command')).toContain('\n/robo fix')
      await maya.comments(number, '/robo retry --new --dry-run')
      await thread.waitForAnswer('nothing was done')
      await github(world).as('olga', repository).comments(number, '/robo pause the ship')
      await thread.waitForAnswer('`/robo -- pause the ship`')
      await github(world).as('olga', repository).comments(number, '/robo approve --dry-run')
      await thread.waitForAnswer('The bot would refuse')
      const said = (await thread.botComments()).map(({ body }) => body).join('\n')
      expect(said.replaceAll('/codex is no word of this bot', '')).not.toMatch(/\/codex\b(?!\.yml|\/)/)
      const { runs } = ledgerOf(world(), number, repository)
      expect(runs).toHaveLength(1)
      expect(JSON.stringify(runs)).toContain('/codex is no word of this bot')
    })

    it('has labels of its own, with the presets of always', async () => {
      world().posthog.script('Think of words', { kind: 'answers', text: '1. Think.' })
      const { maya, number, repository, thread } = await issueIn('acme', 'Think of words')
      await maya.labels(number, 'codex')
      await maya.labels(number, 'help wanted:plan')
      await thread.waitForStatus('📋')
      const { runs } = ledgerOf(world(), number, repository)
      expect(runs).toHaveLength(1)
      expect(runs[0]?.body).toMatchObject({ initial_permission_mode: 'read-only' })
    })

    it('has a third name for one owner', async () => {
      const { maya, number, thread } = await issueIn('globex')
      await maya.comments(number, '/robo help')
      await maya.comments(number, '/globo config')
      const answer = await thread.waitForAnswer('`trigger.word`')
      expect(answer).toContain('| `trigger.word` | `globo` | the bot’s settings |')
      expect(await thread.answers()).toHaveLength(1)
    })
  },
  { settings },
)
