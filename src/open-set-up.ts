import { hostname } from 'node:os'
import type { Started } from './bot.ts'
import { readConfig, type SetUpGiven, secretsOf } from './config.ts'
import type { Check } from './core/model/check.ts'
import { found } from './core/model/check.ts'
import { redactor } from './core/text/redact.ts'
import { examine } from './doctor.ts'
import { permissionReasons, wantedForTeams, wantedOfApp } from './github/app-manifest.ts'
import { examinePostHog } from './posthog-doctor.ts'
import { envFileToWrite, environment } from './process-environment.ts'
import { closeServer, listen } from './web/http-server.ts'
import type { Values } from './web/set-up/set-up-form.ts'
import { setUpServer } from './web/set-up/set-up-server.ts'

export async function openSetUp(given: SetUpGiven, goOn: () => Promise<void>): Promise<Started> {
  const { host, port, protocol } = given
  const { server, token } = setUpServer({
    names: [host, hostname()].map(name => name.toLowerCase()),
    file: envFileToWrite(),
    given: startingFrom(given),
    protocol,
    wanted: { ...wantedOfApp, forTeams: wantedForTeams, reasons: permissionReasons },
    channel,
    testPostHog: ({ posthogHost, posthogKey, posthogProject }) =>
      examinePostHog({ host: posthogHost, apiKey: posthogKey, projectId: posthogProject }),
    examine: examineWritten,
    begin: () => void closeServer(server, 1_000).then(goOn),
  })
  const actual = await listen(server, { host, port })
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  process.stdout.write(
    [
      'There is no GitHub App yet. Open this address to make one. It opens once, in one browser:',
      `  http://${shown}:${actual}/set-up?token=${token}`,
      'If the bot runs on another machine, forward its port first, and leave that open:',
      `  ssh -L ${actual}:localhost:${actual} USER@${hostname()}`,
      '',
    ].join('\n\n'),
  )
  return { stop: () => closeServer(server, 1_000) }
}

function startingFrom({
  enterprise,
  webhook,
  posthogHost,
  posthogKey,
  posthogProject,
}: SetUpGiven): Partial<Values> {
  const known = { enterprise, webhook, posthogHost, posthogKey, posthogProject }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
}

const channelWithin = 4_000

async function channel(): Promise<string | undefined> {
  const late = new Promise<undefined>(resolve => setTimeout(resolve, channelWithin, undefined).unref())
  try {
    const { SmeeClient } = await import('smee-client')
    return (await Promise.race([SmeeClient.createChannel(), late])) || undefined
  } catch {
    return undefined
  }
}

async function examineWritten(): Promise<Check[]> {
  const read = readConfig(environment())
  switch (read.kind) {
    case 'run':
      return examine(read.config, redactor(secretsOf(read.config)))
    case 'refuse':
      return read.problems.map(problem => found('configuration', problem, 'Correct it in the file.'))
    case 'set-up':
      return [found('configuration', 'nothing was written', 'Begin again.')]
  }
}
