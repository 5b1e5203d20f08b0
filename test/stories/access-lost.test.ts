/** The App may no longer work somewhere: what is under way there ends, and its agent is seen to. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue(
  'The App loses access',
  world => {
    /** A run at work, in a repository of its own. */
    const workingIn = async (owner: string, name: string) => {
      const { github, posthog } = world()
      const repository = await github.addRepo(owner, name)
      const title = `Work in ${repository}`
      posthog.script(title, { kind: 'hangs' })
      const maya = github.as('maya', repository)
      const { number } = await maya.opensIssue({ title, body: 'As said.' })
      await maya.comments(number, `/codex ${title}`)
      await new Thread(world(), number, repository).waitForStatus('⏳ Codex is working')
      return { repository, number, ledger: () => ledgerOf(world(), number, repository) }
    }

    const liveRuns = async (): Promise<number> => {
      const page = await (await fetch(`${world().bot.url}/metrics`)).text()
      return Number(/queue_jobs\{queue="runs"\} (\d+)/.exec(page)?.[1])
    }

    type Github = ReturnType<typeof world>['github']
    it.each<[string, string, (github: Github, repository: string) => Promise<unknown>]>([
      ['archived', 'globex', (github, repository) => github.as('olga', repository).archivesRepository()],
      ['deleted', 'globex', (github, repository) => github.as('olga', repository).deletesRepository()],
      [
        'transferred',
        'globex',
        (github, repository) => github.as('olga', repository).transfersRepository('initech'),
      ],
      ['taken out', 'globex', (github, repository) => github.installations.removeRepository(repository)],
      ['suspended', 'globex', github => github.installations.suspend('globex')],
      ['uninstalled', 'initech', github => github.installations.uninstall('initech')],
    ])('%s', async (how, owner, happen) => {
      const { github } = world()
      const { repository, ledger } = await workingIn(owner, `was-${how.replace(' ', '-')}`)
      await happen(github, repository)
      await github.waitFor(() => ledger().cancels.length === 1)
      await github.waitFor(async () => (await liveRuns()) === 0)
      if (how === 'suspended') await github.installations.unsuspend('globex')
    })

    it('a repository that was renamed goes on', async () => {
      const { github, posthog } = world()
      const { repository, number, ledger } = await workingIn('acme', 'old-name')
      const renamed = await github.as('olga', repository).renamesRepository('new-name')
      expect(renamed).toBe('acme/new-name')
      const thread = new Thread(world(), number, renamed)
      await github.as('maya', renamed).comments(number, '/codex stop')
      await thread.waitForStatus(/was stopped/)
      expect(ledger().cancels).toHaveLength(1)
      expect(posthog.ledger.length).toBeGreaterThan(0)
    })

    it('an event of hours ago stops nothing where the App may work again', async () => {
      const { github } = world()
      const { repository, ledger } = await workingIn('acme', 'back-again')
      github.webhooks.mode = { kind: 'paused' }
      await github.as('olga', repository).archivesRepository()
      await github.settled()
      await github.as('olga', repository).archivesRepository(false)
      await github.settled()
      github.webhooks.mode = { kind: 'normal' }
      await github.webhooks.flush()
      await github.waitFor(
        () => world().bot.output().includes('"by":"archived"') && github.webhooks.held === 0,
      )
      expect(ledger().cancels).toEqual([])
    })
  },
  { oneByOne: true },
)
