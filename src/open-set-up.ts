/**
 * Opens the set-up pages in a process that has no GitHub App yet, and prints their address.
 * The bot starts when a person finishes them.
 */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Started } from './bot.ts'
import type { Read } from './config.ts'
import { settingsSchemaPath } from './core/settings/settings-file.ts'
import { examineEnvironment, examinePostHog } from './doctor/examine.ts'
import { permissionReasons, wantedForTeams, wantedOfApp } from './github/app-manifest.ts'
import { addressOf } from './own-package.ts'
import { commandTyped, envFileToWrite } from './process-environment.ts'
import { closeServer, listen } from './web/http-server.ts'
import { setUpServer } from './web/set-up/set-up-server.tsx'

export async function openSetUp(
  { given, strays }: Extract<Read, { kind: 'set-up' }>,
  goOn: () => Promise<void>,
): Promise<Started> {
  const { HOST: host, PORT: port, POSTHOG_PROJECT_ID: project } = given
  const file = envFileToWrite()
  const { server, token } = setUpServer({
    names: [host, hostname()].map(name => name.toLowerCase()),
    file,
    given: {
      enterprise: given.GHE_HOST,
      posthogHost: given.POSTHOG_HOST,
      posthogKey: given.POSTHOG_API_KEY,
      posthogProject: project?.toString(),
    },
    protocol: given.GHE_PROTOCOL,
    hasAdminToken: given.ADMIN_TOKEN !== undefined,
    wanted: { ...wantedOfApp, forTeams: wantedForTeams, reasons: permissionReasons },
    testPostHog: ({ posthogHost, posthogKey, posthogProject }) =>
      examinePostHog({ host: posthogHost, apiKey: posthogKey, projectId: posthogProject }),
    examine: examineEnvironment,
    schema: addressOf(settingsSchemaPath),
    command: commandTyped('doctor'),
    begin: () => void closeServer(server, 1_000).then(goOn),
  })
  const actual = await listen(server, { host, port })
  const isEveryAddress = host === '0.0.0.0' || host === '::'
  const inAddress = host.includes(':') ? `[${host}]` : host
  process.stdout.write(
    [
      'There is no GitHub App yet. The variables and the queue of this bot will be here:',
      `  ${file}\n  ${resolve(given.DATA_DIR)}`,
      ...strays,
      'Open this address to make the App. It opens once, in one browser:',
      `  http://${isEveryAddress ? 'localhost' : inAddress}:${actual}/set-up?token=${token}`,
      'If the bot runs on another machine, forward its port first, and leave that open:',
      `  ssh -L ${actual}:localhost:${actual} USER@${hostname()}`,
      '',
    ].join('\n\n'),
  )
  return { stop: () => closeServer(server, 1_000) }
}
