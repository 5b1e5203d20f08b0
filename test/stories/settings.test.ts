import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository, opensIssue, working } from '../world/opens-issue.ts'

/** What the deployment grants to the owner of all these repositories. */
const settings = 'owners: {1: {as_user: true, signal_report: true, sandboxes: [small box]}}\n'

const sandbox = { id: '0f8fad5b-d9cb-469f-a165-70867728950e', name: 'Small box' }

onEitherQueue(
  'The repository has settings',
  world => {
    const runIn = async (settings: string, text: string) => {
      const issue = await opensIssue(
        world(),
        'With settings',
        await newRepository(world(), settings),
      )
      await issue.says(text)
      return issue
    }

    it('every field of the request can be set', async () => {
      const { thread, ledger, number } = await runIn(
        'model: gpt-5\neffort: low\nmode: interactive\npermission: full-access\nsandbox: small box\nas_user: true\n',
        '/codex --signal-report r-1 do it',
      )
      await thread.waitForAnswer('Codex opened draft')
      expect(ledger().runs[0]?.body).toEqual({
        mode: 'interactive',
        branch: `codex/issue-${number}-with-settings`,
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
      const issue = await runIn('branch_prefix: bots/codex-\n', '/codex do it')
      const { number, thread, says, ledger, started } = issue
      await thread.waitForAnswer('Codex opened draft')
      await says('/codex --new once more')
      await started(2)
      const branch = `bots/codex-issue-${number}-with-settings`
      expect(ledger().runs.map(({ body }) => body)).toMatchObject([{ branch }, { branch }])
    })

    it('a label of its own carries a preset', async () => {
      const repository = await newRepository(
        world(),
        'labels:\n  docs: {effort: high, model: gpt-5, sandbox: small box, instruction: Write the docs.}\n  look: {plan: true}\n',
      )
      const labels = async (title: string, label: string) => {
        const issue = await opensIssue(world(), title, repository)
        await issue.maya.labels(issue.number, label)
        return issue
      }
      const docs = await labels('Docs', 'codex:docs')
      await docs.thread.waitForAnswer('Codex opened draft')
      expect(docs.ledger().runs[0]?.body).toMatchObject({
        reasoning_effort: 'high',
        model: 'gpt-5',
        sandbox_environment_id: sandbox.id,
        pending_user_message: expect.stringContaining('Write the docs.'),
      })
      world().posthog.script(
        { repository, prompt: 'only look' },
        { kind: 'answers', text: '1. Look.' },
      )
      const plan = await labels('only look', 'codex:look')
      await plan.thread.waitForAnswer('Carry out this plan')
      expect(plan.ledger().runs[0]?.body).toMatchObject({ initial_permission_mode: 'read-only' })
    })

    it('--as-user needs the settings to allow it', async () => {
      const { thread, ledger } = await runIn('model: gpt-5\n', '/codex --as-user do it')
      await thread.waitForAnswer('does not allow `--as-user`')
      expect(ledger().tasks).toEqual([])
    })

    it('runs beyond the limit wait for their turn, and say so', async () => {
      const repository = await newRepository(world(), 'limits:\n  repository: 1\n')
      const first = await working(world(), 'hold the line', repository)
      const second = await asks(world(), 'wait for it', undefined, { repository })
      await second.thread.waitForStatus(
        `waits for its turn · one run before it: [#${first.number}](`,
      )
      expect(second.ledger().runs).toEqual([])
      await first.run(0).finish('completed')
      await second.thread.waitForAnswer('Codex opened draft')
    })
  },
  {
    env: { CODEX_GITHUB_USER_TOKEN: 'ghu_of_the_deployment_123456' },
    settings,
    posthog: { sandboxEnvironments: [sandbox] },
  },
)
