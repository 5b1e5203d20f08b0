/**
 * Opens the set-up pages in a process that has no GitHub App yet, and prints their address.
 * The bot starts when a person finishes them.
 */
import { hostname } from 'node:os'
import type { Started } from './bot.ts'
import type { SetUpGiven } from './config.ts'
import { examineEnvironment, examinePostHog } from './doctor/examine.ts'
import { permissionReasons, wantedForTeams, wantedOfApp } from './github/app-manifest.ts'
import { envFileToWrite, environment } from './process-environment.ts'
import { closeServer, listen } from './web/http-server.ts'
import { setUpServer } from './web/set-up/set-up-server.tsx'

export async function openSetUp(given: SetUpGiven, goOn: () => Promise<void>): Promise<Started> {
  const { host, port, protocol, ...others } = given
  const { server, token } = setUpServer({
    names: [host, hostname()].map(name => name.toLowerCase()),
    file: envFileToWrite(),
    given: others,
    protocol,
    hasAdminToken: Boolean(environment().ADMIN_TOKEN),
    wanted: { ...wantedOfApp, forTeams: wantedForTeams, reasons: permissionReasons },
    testPostHog: ({ posthogHost, posthogKey, posthogProject }) =>
      examinePostHog({ host: posthogHost, apiKey: posthogKey, projectId: posthogProject }),
    examine: examineEnvironment,
    schema: undefined,
    command: 'npm run doctor',
    begin: () => void closeServer(server, 1_000).then(goOn),
  })
  const actual = await listen(server, { host, port })
  const isEveryAddress = host === '0.0.0.0' || host === '::'
  const inAddress = host.includes(':') ? `[${host}]` : host
  process.stdout.write(
    [
      'There is no GitHub App yet. Open this address to make one. It opens once, in one browser:',
      `  http://${isEveryAddress ? 'localhost' : inAddress}:${actual}/set-up?token=${token}`,
      'If the bot runs on another machine, forward its port first, and leave that open:',
      `  ssh -L ${actual}:localhost:${actual} USER@${hostname()}`,
      '',
    ].join('\n\n'),
  )
  return { stop: () => closeServer(server, 1_000) }
}
