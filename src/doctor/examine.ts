/**
 * What is checked, in the order in which it is shown: a list for each who asks. No check creates anything.
 */
import { type Config, type PostHogAccess, readConfig, secretsOf } from '../config.ts'
import { type Check, failedCheck, passedCheck, redactedCheck } from '../core/model/check.ts'
import { describe } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import { redactor } from '../core/text/redact.ts'
import { gitHubApp } from '../github/app-client.ts'
import { installationsOf } from '../github/installations.ts'
import { commandTyped, environment, goThroughProxy, namesInFiles } from '../process-environment.ts'
import { checkQueue } from '../queue/open-queues.ts'
import { checkDeliveries } from './delivery-checks.ts'
import {
  checkAddress,
  checkApp,
  checkInstallation,
  checkInstallations,
  checkUserToken,
} from './github-checks.ts'
import { checkNewPostHog, checkPostHogOf, checkPostHogs } from './posthog-checks.ts'

type CheckResult = Check | readonly Check[]

/** @param secrets what no detail may show */
async function shownChecks(
  secrets: readonly string[],
  ...checks: readonly (CheckResult | Promise<CheckResult>)[]
): Promise<Check[]> {
  const redact = redactor(secrets)
  return (await Promise.all(checks)).flat().map(check => redactedCheck(check, redact))
}

/** Examines the bot of which the environment and its files tell now. */
export async function examineEnvironment(): Promise<Check[]> {
  try {
    const env = environment()
    await goThroughProxy(env)
    const read = readConfig(env, namesInFiles)
    const begin = `Start the bot with \`${commandTyped('start')}\` and open its set-up page.`
    const set =
      'Correct it in `.env`, in the environment or in the file that it names, and run this again.'
    if (read.kind === 'refuse')
      return read.problems.map(problem => failedCheck('configuration', problem, set))
    const strayChecks = (strays: readonly string[]) =>
      strays.map(stray => failedCheck('env-file', stray, 'Correct its name, or take it out.'))
    if (read.kind === 'set-up')
      return [
        failedCheck('configuration', 'there is no GitHub App yet', begin),
        ...strayChecks(read.strays),
      ]
    return [
      passedCheck('configuration', 'all variables are valid'),
      ...strayChecks(read.config.strays),
      ...(await examineAll(read.config)),
    ]
  } catch (error) {
    return [failedCheck('configuration', describe(error), 'Correct it and run this again.')]
  }
}

/** Whoever runs the bot sees all. */
export function examineAll(config: Config): Promise<Check[]> {
  const app = gitHubApp(config.app, Date.now)
  const secrets = secretsOf(config)
  return shownChecks(
    secrets,
    checkApp(app, [checkInstallations, checkAddress(config), checkDeliveries(config)]),
    checkUserToken(config),
    config.role === 'web'
      ? []
      : installationsOf(app, redactor(secrets))
          .repositories()
          .catch(() => [])
          .then(all => checkPostHogs(config, all)),
    checkQueue(config.queue),
  )
}

/** What a process checks when it begins, and every few minutes. */
export function examineProcess(config: Config): Promise<Check[]> {
  const app = gitHubApp(config.app, Date.now)
  return shownChecks(
    secretsOf(config),
    checkApp(app, [checkAddress(config), checkDeliveries(config)]),
    checkUserToken(config),
    checkPostHogs(config),
    checkQueue(config.queue),
  )
}

/** An admin of one repository sees nothing about other owners, and of the machine only whether it works. */
export function examineRepository(config: Config, thread: Thread): Promise<Check[]> {
  const app = gitHubApp(config.app, Date.now)
  const fix = 'Tell an admin of this bot: its log says why.'
  return shownChecks(
    secretsOf(config),
    checkInstallation(app, thread.installationId, checkDeliveries(config)),
    checkPostHogOf(config, thread),
    checkQueue(config.queue).then(({ ok }) =>
      ok
        ? passedCheck('queue', 'works')
        : failedCheck('queue', 'is not safe or does not answer', fix),
    ),
  )
}

/** The set-up page, when there is no bot yet. */
export const examinePostHog = (access: PostHogAccess): Promise<Check[]> =>
  shownChecks([access.apiKey], checkNewPostHog(access))
