/**
 * A GitHub Enterprise Server and a PostHog on this machine, emulated, to set the bot up against. They know one repository,
 * acme/shop, on which the App is installed as soon as there is one.
 */
import { randomBytes } from 'node:crypto'
import { startGitHub } from '../emulators/github/emulator.ts'
import { startEnterprise } from '../emulators/github/enterprise.ts'
import { startPostHog } from '../emulators/posthog/emulator.ts'

const { GITHUB_PORT = '4000', POSTHOG_PORT = '4100' } = process.env

const webhookSecret = randomBytes(32).toString('hex')
const github = await startGitHub({ webhookSecret })
const enterprise = await startEnterprise(github, webhookSecret, Number(GITHUB_PORT))
const posthog = await startPostHog({
  port: Number(POSTHOG_PORT),
  hands: github.hands,
  repositories: [github.repository],
  apiKeys: [{ key: 'phx_of_this_machine', userId: 1, scopes: ['task:write', 'integration:read'] }],
})

console.log(`GitHub Enterprise Server  ${enterprise.host}, with the repository ${github.repository}
PostHog                   ${posthog.url}, project ${posthog.projectId}, key ${posthog.apiKey}

Ctrl-C ends both; nothing is kept.`)

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void Promise.all([enterprise.close(), github.close(), posthog.close()]).then(() => process.exit(0))
  })
