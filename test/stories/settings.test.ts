import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

/** What the deployment grants to the owner of all these repositories. */
const settings = 'owners: {1: {as_user: true, signal_report: true, sandboxes: [small box]}}\n'

const sandbox = { id: '0f8fad5b-d9cb-469f-a165-70867728950e', name: 'Small box' }

onEitherQueue(
  'The repository has settings',
  world => {
    const runIn = async (settings: string, text: string) => {
      const { github } = world()
      const repository = await github.addRepo('acme', `set-${Math.random().toString(36).slice(2, 8)}`)
      await github.as('olga', repository).pushes('main', { '.github/codex.yml': settings })
      const maya = github.as('maya', repository)
      const issue = await maya.opensIssue({ title: 'With settings', body: 'x' })
      await maya.comments(issue.number, text)
      const thread = new Thread(world(), issue.number, repository)
      return { github, repository, issue, thread, ledger: () => ledgerOf(world(), issue.number, repository) }
    }

    it('every field of the request can be set', async () => {
      const { thread, ledger, issue } = await runIn(
        'model: gpt-5\neffort: low\nmode: interactive\npermission: full-access\nsandbox: small box\nas_user: true\n',
        '/codex --signal-report r-1 do it',
      )
      await thread.waitForAnswer('pull request is ready')
      expect(ledger().runs[0]?.body).toEqual({
        mode: 'interactive',
        branch: `codex/issue-${issue.number}-with-settings`,
        pending_user_message: expect.any(String),
        sandbox_environment_id: sandbox.id,
        pr_authorship_mode: 'bot',
        run_source: 'signal_report',
        signal_report_id: 'r-1',
        runtime_adapter: 'codex',
        model: 'gpt-5',
        reasoning_effort: 'low',
        initial_permission_mode: 'full-access',
        auto_publish: true,
      })
    })

    it('branches are called as the settings say, and found again', async () => {
      const { thread, ledger, github, issue, repository } = await runIn(
        'branch_prefix: bots/codex-\n',
        '/codex do it',
      )
      await thread.waitForAnswer('pull request is ready')
      const branch = `bots/codex-issue-${issue.number}-with-settings`
      expect(ledger().runs[0]?.body).toMatchObject({ branch })
      await github.as('maya', repository).comments(issue.number, '/codex --new once more')
      await github.waitFor(async () => ledger().runs.length === 2)
      expect(ledger().runs[1]?.body).toMatchObject({ branch })
    })

    it('a label of its own carries a preset', async () => {
      const { github, posthog } = world()
      const { repository } = await runIn(
        'labels:\n  docs: {effort: high, model: gpt-5, sandbox: small box, instruction: Write the docs.}\n  look: {plan: true}\n',
        'hello',
      )
      const labels = async (title: string, label: string) => {
        const maya = github.as('maya', repository)
        const { number } = await maya.opensIssue({ title, body: 'x' })
        await maya.labels(number, label)
        return {
          thread: new Thread(world(), number, repository),
          ledger: () => ledgerOf(world(), number, repository),
        }
      }
      const docs = await labels('Docs', 'codex:docs')
      await docs.thread.waitForAnswer('pull request is ready')
      expect(docs.ledger().runs[0]?.body).toMatchObject({
        reasoning_effort: 'high',
        model: 'gpt-5',
        sandbox_environment_id: sandbox.id,
        pending_user_message: expect.stringContaining('Write the docs.'),
      })
      posthog.script({ repository, prompt: 'only look' }, { kind: 'answers', text: '1. Look.' })
      const poll = await labels('only look', 'codex:look')
      await poll.thread.waitForAnswer('Carry out this plan')
      expect(poll.ledger().runs[0]?.body).toMatchObject({ initial_permission_mode: 'read-only' })
    })

    it('--as-user needs the settings to allow it', async () => {
      const { thread, ledger } = await runIn('model: gpt-5\n', '/codex --as-user do it')
      await thread.waitForAnswer('does not allow `--as-user`')
      expect(ledger().tasks).toEqual([])
    })

    it('runs beyond the limit wait for their turn, and say so', async () => {
      const { posthog } = world()
      posthog.script('hold the line', { kind: 'manual' })
      const { thread, github, repository, ledger } = await runIn(
        'limits:\n  repository: 1\n',
        '/codex hold the line',
      )
      await thread.waitForStatus('⏳ Codex is working')
      const maya = github.as('maya', repository)
      const issue = await maya.opensIssue({ title: 'Second', body: 'x' })
      await maya.comments(issue.number, '/codex wait for it')
      const second = new Thread(world(), issue.number, repository)
      await second.waitForStatus(`waits for its turn · one run before it: [#${thread.number}](`)
      expect(ledgerOf(world(), issue.number, repository).runs).toEqual([])
      await posthog.run(String(ledger().runs[0]?.runId)).finish('completed')
      await second.waitForAnswer('pull request is ready')
    })
  },
  {
    env: { CODEX_GITHUB_USER_TOKEN: 'ghu_of_the_deployment_123456' },
    settings,
    posthog: { sandboxEnvironments: [sandbox] },
  },
)
