/** The bot is called something else, by whoever runs it. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

const settings =
  'trigger: {word: Robo, labels: [robo, "help wanted"]}\nowners: {2: {trigger: {word: globo}}}\n'

onEitherQueue(
  'The bot has another name',
  world => {
    const issueIn = async (owner: string, title = 'Words') =>
      opensIssue(world(), title, await newRepository(world(), undefined, { owner }))

    it('is heard by it and by nothing else, and calls itself so', async () => {
      const { says, thread, ledger } = await issueIn('acme')
      await says('/codex do it')
      await says('/robo helpp')
      expect(await thread.waitForAnswer('Did you mean')).toContain('`/robo help`')
      await says('/ROBO do it\n\n/codex is no word of this bot')
      await thread.waitForStatus('🚀')
      await says('/robo help')
      expect(await thread.waitForAnswer('Write a command')).toContain('\n/robo fix')
      await says('/robo retry --new --dry-run')
      await thread.waitForAnswer('`/robo -- …`')
      const said = (await thread.botComments()).map(({ body }) => body).join('\n')
      expect(said.replaceAll('/codex is no word of this bot', '')).not.toMatch(
        /\/codex\b(?!\.yml|\/)/,
      )
      const { runs } = ledger()
      expect(runs).toHaveLength(1)
      expect(JSON.stringify(runs)).toContain('/codex is no word of this bot')
    })

    it('has labels of its own, with the presets of always', async () => {
      world().posthog.script('Think of words', { kind: 'answers', text: '1. Think.' })
      const { maya, number, says, thread, ledger, started } = await issueIn(
        'acme',
        'Think of words',
      )
      await maya.labels(number, 'codex')
      await maya.labels(number, 'help wanted:plan')
      await thread.waitForStatus('📋')
      const { runs } = ledger()
      expect(runs).toHaveLength(1)
      expect(runs[0]?.body).toMatchObject({ initial_permission_mode: 'read-only' })
      await thread.waitForAnswer('`/robo plan …` changes the plan')
      await says('/robo approve')
      await started(2)
    })

    it('has a third name for one owner', async () => {
      const { says, thread } = await issueIn('globex')
      await says('/robo help')
      await says('/globo config')
      const answer = await thread.waitForAnswer('`trigger.word`')
      expect(answer).toContain('| `trigger.word` | `globo` | the bot’s settings |')
      expect(await thread.answers()).toHaveLength(1)
    })
  },
  { settings },
)
