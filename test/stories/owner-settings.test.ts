/** The file of the owner's `.github` repository, between what the deployment grants and what a repository says. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

const path = '.github/codex.yml'

onEitherQueue(
  'The owner has settings',
  world => {
    const asksIn = async (repository: string, text = '/codex do it') => {
      const issue = await opensIssue(world(), 'With settings', repository)
      await issue.says(text)
      return issue
    }
    /** GitHub has no token for a repository that is not there. */
    const refusedTokens = () =>
      world().github.calls.filter(
        ({ status, body }) =>
          status === 422 && JSON.stringify(body ?? '').includes('"repositories":[".github"]'),
      ).length

    it('they hold in all repositories, which fill in and tighten; a slip leaves the last good ones', async () => {
      const { github } = world()
      const owners = github.as('olga', await github.addRepo('acme', '.github'))
      await owners.pushes('main', {
        [path]: 'model: gpt-5\nlimits:\n  max_effort: medium\ninstructions: Mind the owl.\n',
      })
      const repository = await github.addRepo('acme', 'with-owner')
      const repositorys = github.as('olga', repository)
      await repositorys.pushes('main', {
        [path]:
          'effort: high\nlimits: {max_effort: max}\nmode: interactive\ninstructions: Mind the mole.\n',
      })

      const first = await asksIn(repository)
      await first.thread.waitForAnswer('Codex opened draft')
      expect(first.ledger().runs[0]?.body).toMatchObject({
        model: 'gpt-5',
        reasoning_effort: 'medium',
        mode: 'interactive',
        pending_user_message: expect.stringContaining('Mind the owl.\n\nMind the mole.'),
      })

      const shows = await asksIn(repository, '/codex config')
      const shown = (await shows.thread.waitForAnswer('these settings apply here')).split(
        '<details>',
      )[0]
      expect(shown).toContain('| `model` | `gpt-5` | the owner’s `.github` repository, line 1 |')
      expect(shown).toContain(
        '| `limits.max_effort` | `medium` | the owner’s `.github` repository, line 3 |',
      )
      expect(shown).toContain('| `mode` | `interactive` | this repository, line 3 |')
      expect(shows.ledger().tasks).toEqual([])

      await owners.pushes('main', { [path]: 'model: gpt-5\nefort: low\n' })
      await repositorys.pushes('main', { [path]: 'mode: interactive\n\nefort: low\n' })
      const second = await asksIn(repository)
      const status = await second.thread.waitForStatus('efort')
      expect(status).toMatch(
        /acme\/\.github: \.github\/codex\.yml, line 2[\s\S]*\.github\/codex\.yml, line 3/,
      )
      await second.thread.waitForAnswer('Codex opened draft')
      expect(second.ledger().runs[0]?.body).toMatchObject({
        model: 'gpt-5',
        reasoning_effort: 'medium',
      })

      // In the repository itself the file is one layer and not two.
      const third = await asksIn('acme/.github')
      expect(await third.thread.waitForStatus('efort')).not.toContain('; ')
      await third.thread.waitForAnswer('Codex opened draft')
    })

    it('settings of an owner that never were without a slip let nothing start', async () => {
      const { github } = world()
      await github
        .as('olga', await github.addRepo('globex', '.github'))
        .pushes('main', { [path]: 'modle: x\n' })
      const { thread, ledger } = await asksIn(await github.addRepo('globex', 'shop'))
      expect(await thread.waitForAnswer('so nothing was started')).toContain(
        'globex/.github: .github/codex.yml` has 1 problem, so nothing was started:\n\n- line 1: ',
      )
      expect(ledger().tasks).toEqual([])
    })

    it('an owner without such a repository is asked for it once in a while, and nobody hears of it', async () => {
      const { github } = world()
      const repository = await github.addRepo('initech', 'forms')
      for (const text of ['/codex do it', '/codex do that']) {
        const { thread } = await asksIn(repository, text)
        await thread.waitForAnswer('Codex opened draft')
        expect(await thread.status()).not.toContain('.github')
      }
      expect(refusedTokens()).toBe(1)
    })
  },
  // The settings of an owner hold in all that others do there.
  { own: true },
)
