/**
 * A GitHub Enterprise Server and a PostHog on this machine, emulated, to set the bot up against. They know one repository,
 * acme/shop, on which the App is installed as soon as there is one. What the bot keeps meanwhile is in a folder of its own,
 * which goes at the end.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { startGitHub } from '../emulators/github/emulator.ts'
import { startEnterprise } from '../emulators/github/enterprise.ts'
import { startPostHog } from '../emulators/posthog/emulator.ts'

const { GITHUB_PORT = '4000', POSTHOG_PORT = '4100' } = process.env

const webhookSecret = randomBytes(32).toString('hex')
const github = await startGitHub({ webhookSecret, slug: 'codex-task-bot' })
const enterprise = await startEnterprise(github, webhookSecret, Number(GITHUB_PORT))
const posthog = await startPostHog({
  port: Number(POSTHOG_PORT),
  hands: github.hands,
  repositories: [github.repository],
  apiKeys: [{ key: 'phx_of_this_machine', userId: 1, scopes: ['task:write', 'integration:read'] }],
})

const folder = '.walk'
await rm(folder, { recursive: true, force: true })
await mkdir(folder)
await writeFile(
  `${folder}/.env`,
  `GHE_HOST=${enterprise.host}
GHE_PROTOCOL=http
POSTHOG_HOST=${posthog.url}
POSTHOG_PROJECT_ID=${posthog.projectId}
DATA_DIR=${folder}/data
`,
)

console.log(`GitHub Enterprise Server  ${enterprise.host}, with the repository ${github.repository}
PostHog                   ${posthog.url}, project ${posthog.projectId}, key ${posthog.apiKey}

Start the bot in another terminal:

  ENV_FILE=${folder}/.env npm start

Ctrl-C ends both services and removes ${folder}.`)

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void Promise.all([enterprise.close(), github.close(), posthog.close()])
      .then(() => rm(folder, { recursive: true, force: true }))
      .then(() => process.exit(0))
  })
