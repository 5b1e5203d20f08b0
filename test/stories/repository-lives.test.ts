/** Repositories are renamed, archived, transferred and deleted, and the App is taken out and comes back. What is under way where it may no longer work ends, its agent too. */
import { expect, it } from 'vitest'
import { exhaustive, someOf } from '../support/tries.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository, unheard, working } from '../world/opens-issue.ts'
import { Thread } from '../world/thread.ts'

onEitherQueue(
  'A repository lives',
  world => {
    type Github = ReturnType<typeof world>['github']

    /** A run at work, in a repository of its own. */
    const workingIn = async (owner: string, name: string) => {
      const repository = await newRepository(world(), undefined, { owner, name })
      return working(world(), `Work in ${repository}`, repository)
    }

    /** Until the loss was seen to: nothing is alive there any more. */
    const seenTo = async (before: number): Promise<void> => {
      const lost = () => world().bot.output().split('"access lost"').length
      await world().github.waitFor(() => lost() > before)
      await world().github.waitFor(async () => {
        const page = await (await fetch(`${world().bot.url}/metrics`)).text()
        return Number(/queue_jobs\{queue="runs"\} (\d+)/.exec(page)?.[1]) === 0
      })
    }
    const losses = () => world().bot.output().split('"access lost"').length

    const hows: [
      string,
      string,
      (github: Github, repository: string, back: boolean) => Promise<unknown>,
    ][] = [
      [
        'archived',
        'globex',
        (github, repository, back) => github.as('olga', repository).archivesRepository(!back),
      ],
      [
        'taken out',
        'globex',
        ({ installations }, repository, back) =>
          back
            ? installations.addRepository(repository)
            : installations.removeRepository(repository),
      ],
      [
        'suspended',
        'globex',
        ({ installations }, _, back) =>
          back ? installations.unsuspend('globex') : installations.suspend('globex'),
      ],
      [
        'uninstalled',
        'initech',
        ({ installations }, _, back) =>
          back ? installations.install('initech') : installations.uninstall('initech'),
      ],
    ]
    it.each(someOf(hows, 2))(
      '%s and back: its agent is ended, and nothing that had waited starts',
      async (how, owner, happen) => {
        const { github } = world()
        const { repository, maya, thread, ledger } = await workingIn(
          owner,
          `lost-${how.replace(' ', '-')}`,
        )
        const settings = { '.github/codex.yml': 'limits: { repository: 1 }' }
        await github.as('olga', repository).pushes('main', settings)
        const { thread: later } = await asks(world(), 'do it', undefined, { repository })
        await later.waitForStatus('waits for its turn')
        const words = '/codex --effort low do something else'
        const { id } = await maya.comments(thread.number, words)
        await thread.waitForReaction('eyes', id)
        const before = losses()
        await happen(github, repository, false)
        await seenTo(before)
        expect(ledger().cancels).toHaveLength(1)
        await happen(github, repository, true)
        await maya.comments(later.number, '/codex do it now')
        await later.waitForAnswer('Codex opened draft')
        expect(ledger().runs).toHaveLength(1)
      },
    )

    it.each<[string, (olga: ReturnType<Github['as']>) => Promise<unknown>]>([
      ['deleted', olga => olga.deletesRepository()],
      ['transferred to who has the App', olga => olga.transfersRepository('initech')],
    ])('%s: its agent is stopped, and nothing is left in the queue', async (how, happen) => {
      const { repository, ledger } = await workingIn('globex', how.replaceAll(' ', '-'))
      const before = losses()
      await happen(world().github.as('olga', repository))
      await seenTo(before)
      expect(ledger().cancels).toHaveLength(1)
    })

    it.runIf(exhaustive)(
      'archived and unarchived hours before GitHub tells of the archiving: its run goes on',
      async () => {
        const { github } = world()
        const { repository, maya, number, thread, ledger } = await workingIn('acme', 'back-again')
        const told = () => world().bot.output().split('"by":"archived"').length
        const before = told()
        github.webhooks.mode = { kind: 'paused' }
        await github.as('olga', repository).archivesRepository()
        await github.settled()
        await github.as('olga', repository).archivesRepository(false)
        await github.settled()
        github.webhooks.mode = { kind: 'normal' }
        await github.webhooks.flush()
        await github.waitFor(() => told() > before && github.webhooks.held === 0)
        expect(ledger().cancels).toEqual([])
        await maya.comments(number, '/codex stop')
        await thread.waitForStatus('⏹️ Codex was stopped')
      },
    )

    it('its default branch is renamed while a run waits: it begins there', async () => {
      const { github } = world()
      const repository = await github.addRepo('globex', 'trunk-for-main')
      const olga = github.as('olga', repository)
      const { number: first } = await olga.opensIssue({ title: 'First', body: 'x' })
      const { number } = await olga.opensIssue({ title: 'Second', body: 'x' })
      github.block(number, [first], repository)
      await olga.comments(number, '/codex do it')
      const thread = new Thread(world(), number, repository)
      await thread.waitForStatus('Codex waits for')
      await unheard(world(), () => olga.renamesDefaultBranch('trunk'))
      await olga.comments(number, '/codex --force')
      await thread.waitForAnswer('Codex opened draft')
      expect((await github.pulls(repository)).map(({ base }) => base)).toEqual(['trunk'])
    })

    /** The agent leaves its commits on the branch that the bot made. */
    const leavesCommits = async (name: string) => {
      const work = await workingIn('globex', name)
      const branch = String(work.run(0).branch)
      await world().github.hands.commit(
        work.repository,
        branch,
        'main',
        { 'done.ts': 'done' },
        'Do it',
      )
      return { ...work, ends: () => work.run(0).completeTurn('It is done.') }
    }

    it('renamed while an agent works: GitHub redirects, and the pull request is told', async () => {
      const { github } = world()
      const { repository, number, ends } = await leavesCommits('old-name')
      const renamed = await github.as('olga', repository).renamesRepository('new-name')
      expect(renamed).toBe('globex/new-name')
      await ends()
      const thread = new Thread(world(), number, renamed)
      await thread.waitForAnswer('Codex opened draft')
      await thread.waitForFolded()
      expect(await github.pulls(renamed)).toHaveLength(1)
    })

    it('renamed: commands there still reach its run', async () => {
      const { github } = world()
      const { repository, number, ledger } = await workingIn('acme', 'older-name')
      const renamed = await github.as('olga', repository).renamesRepository('newer-name')
      await github.as('maya', renamed).comments(number, '/codex stop')
      await new Thread(world(), number, renamed).waitForStatus(/was stopped/)
      expect(ledger().cancels).toHaveLength(1)
    })

    it('a pull request that GitHub does not let the bot open is told', async () => {
      const { github } = world()
      const { thread, ends } = await leavesCommits('refused-pull')
      const message = 'Validation Failed: a ruleset forbids it'
      github.fault({
        method: 'POST',
        path: /\/pulls$/,
        times: 5,
        fault: { kind: 'status', code: 422, body: { message } },
      })
      await ends()
      const said = await thread.waitForAnswer('It is done.')
      expect(said).toContain('GitHub did not let the bot open a pull request into `main`')
      expect(said).toContain('a ruleset forbids it')
    })
  },
  { oneByOne: true },
)
