/** Owners with a PostHog each: nothing of one is ever seen by the other. */
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository, opensIssue } from '../world/opens-issue.ts'
import { wipeQueue } from '../world/wipe-queue.ts'

onEitherQueue(
  'Two owners have a PostHog each',
  world => {
    it('runs, follow-ups, markers, restarts and a lost queue stay with their owner; a third owner is told once', async () => {
      const { github, posthog: ofAcme } = world()
      const ofGlobex = await startPostHog({
        hands: github.hands,
        projectId: 77,
        apiKeys: [
          {
            key: 'phx_of_globex_and_nobody_else',
            userId: 2,
            scopes: ['task:write', 'integration:read'],
          },
        ],
      })
      try {
        const postHogOf = { acme: ofAcme, globex: ofGlobex }
        const owners = Object.entries(postHogOf).map(
          ([owner, { url, projectId }], n) =>
            `  ${n + 1}: {posthog: {host: "${url}", project_id: ${projectId}, api_key_env: KEY_OF_${owner.toUpperCase()}}}\n`,
        )
        writeFileSync(world().settingsFile, `owners:\n${owners.join('')}`)
        const env = {
          SETTINGS_FILE: world().settingsFile,
          KEY_OF_ACME: ofAcme.apiKey,
          KEY_OF_GLOBEX: ofGlobex.apiKey,
          POSTHOG_API_KEY: '',
          POSTHOG_PROJECT_ID: '',
        }
        await world().startBot('all', env)

        const begin = async (owner: keyof typeof postHogOf) => {
          const repository = await newRepository(world(), undefined, { owner })
          postHogOf[owner].script(`secret of ${owner}`, { kind: 'manual' })
          const issue = await opensIssue(world(), `secret of ${owner}`, repository)
          await issue.says(`/codex keep the secret of ${owner}`)
          await issue.thread.waitForStatus('Codex is working')
          await issue.says(`/codex and mind ${owner}`)
          await issue.thread.waitForStatus('1 instruction added')
          return { ...issue, owner, postHog: postHogOf[owner] }
        }
        /** For both owners at once: most of it is waiting. */
        const forBoth = <T, R>(
          both: readonly [T, T],
          act: (one: T) => Promise<R>,
        ): Promise<[R, R]> => Promise.all([act(both[0]), act(both[1])])
        const threads = await forBoth(['acme', 'globex'], begin)
        const messagesAt = (postHog: typeof ofAcme) =>
          postHog.ledger.filter(({ kind }) => kind === 'message').length

        await world().bot.stop('SIGKILL')
        await world().startBot('all', env)
        await forBoth(threads, async ({ owner, says, thread, postHog }) => {
          await says(`/codex and still mind ${owner}`)
          await github.waitFor(() => messagesAt(postHog) === 2)
          await postHog.runs()[0]?.completeTurn('Nothing to change.')
          await thread.waitForAnswer(/Codex opened draft|Nothing to change\./)
        })

        // A comment of ours, copied by somebody into the thread of another owner, says nothing there.
        const [acme, globex] = threads
        const ways: [typeof threads, typeof threads] = [
          [acme, globex],
          [globex, acme],
        ]
        await forBoth(ways, async ([from, to]) => {
          const status = (await from.thread.botComments()).find(({ body }) =>
            body.startsWith('### '),
          )
          expect(status?.body).toContain('<!--')
          const other = await opensIssue(world(), 'other', to.repository)
          await other.says(String(status?.body))
          await other.says('/codex continue')
          await other.thread.waitForAnswer('no earlier run')
        })

        // The queue is gone while agents of both are at work: each is found again where it was.
        const lost = await forBoth(['acme', 'globex'], begin)
        await wipeQueue(world(), env)
        await forBoth(lost, async ({ owner, says, thread, postHog }) => {
          await says(`/codex and after all mind ${owner}`)
          await github.waitFor(() => messagesAt(postHog) === 4)
          await postHog.runs().at(-1)?.completeTurn('Nothing to change.')
          await thread.waitForAnswer(/Codex opened draft|Nothing to change\./)
        })

        for (const { owner, postHog } of threads) {
          const seen = JSON.stringify([postHog.ledger, postHog.calls])
          expect(postHog.ledger.filter(({ kind }) => kind === 'task')).toHaveLength(2)
          expect(postHog.ledger.filter(({ kind }) => kind === 'run')).toHaveLength(2)
          expect(postHog.ledger.filter(({ kind }) => kind === 'message')).toHaveLength(4)
          expect(seen).toContain(`secret of ${owner}`)
          for (const words of ['and mind', 'and still mind', 'and after all mind'])
            expect(seen).toContain(`${words} ${owner}`)
          expect(seen).not.toContain(owner === 'acme' ? 'globex' : 'acme')
          expect(postHog.calls.filter(({ status: code }) => code === 401 || code === 403)).toEqual(
            [],
          )
        }

        const unserved = await newRepository(world(), undefined, { owner: 'initech' })
        const { says, thread } = await asks(world(), 'do it', undefined, { repository: unserved })
        await thread.waitForAnswer('does not serve `initech`')
        await world().bot.stop('SIGKILL')
        await world().startBot('all', env)
        const { id } = await says('/codex status')
        await world().github.waitFor(
          async () =>
            /"command":"status".*"accepted"/.test(world().bot.output()) &&
            (await thread.reactions(id)).length === 0,
        )
        expect(await thread.answers()).toHaveLength(1)
      } finally {
        await ofGlobex.close()
      }
    })
  },
  { roles: [], oneByOne: true },
)
