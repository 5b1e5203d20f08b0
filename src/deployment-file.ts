/** `SETTINGS_FILE`, read at the start and when it changes. A wrong file leaves the last good one in force. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Check, failedCheck } from './core/model/check.ts'
import type { Log } from './core/model/ports.ts'
import {
  type DeploymentSettings,
  readDeploymentSettings,
} from './core/settings/deployment-settings.ts'
import { problemText } from './core/settings/settings-file.ts'

export type DeploymentFile =
  | { kind: 'read'; settings: DeploymentSettings }
  | { kind: 'wrong'; problems: string[] }

export function readDeploymentFile(path: string): DeploymentFile {
  try {
    return parsed(path, readFileSync(path, 'utf8'))
  } catch {
    return unreadable(path)
  }
}

function parsed(path: string, text: string): DeploymentFile {
  const read = readDeploymentSettings(text)
  return read.kind === 'read'
    ? { kind: 'read', settings: read.value }
    : {
        kind: 'wrong',
        problems: read.problems.map(problem => `has an error: ${problemText(path, problem)}`),
      }
}

const unreadable = (path: string): DeploymentFile => ({
  kind: 'wrong',
  problems: [`names a file that can't be read: ${path}`],
})

/** ms. The file is read and not just its mtime, which is coarse and misses a swapped link. */
const rereadMs = 1_000

export interface FollowedFile {
  /** The same object through all changes. */
  settings: DeploymentSettings
  /** What is wrong with the file now, and what of it waits for a restart. */
  failed(): Check[]
  /** Called after each change. */
  onChange(changed: () => void): void
  close(): void
}

export const withoutFile = (settings: DeploymentSettings): FollowedFile => ({
  settings,
  failed: () => [],
  onChange() {},
  close() {},
})

const settledAfter = 200

export function followDeploymentFile(
  path: string,
  first: DeploymentSettings,
  log: Log,
  read: () => Promise<string> = () => readFile(path, 'utf8'),
): FollowedFile {
  let now = first
  const settings = { ...first }
  let seen: string | undefined | null = null
  let noticed: string | undefined | null = null
  let problems: readonly string[] = []
  const listeners: (() => void)[] = []
  const checkFile = async () => {
    const text = await read().catch(() => undefined)
    if (text === seen) return
    // Half of a file may parse: it counts when two reads give the same.
    if (text !== noticed) {
      noticed = text
      setTimeout(() => void checkFile(), settledAfter).unref()
      return
    }
    seen = text
    const given = text === undefined ? unreadable(path) : parsed(path, text)
    // An empty or missing file may be in the middle of a write: it takes nothing back.
    const takesBack =
      text === '' && given.kind === 'read' && !isDeepStrictEqual(given.settings, now)
    const file = takesBack ? unreadable(path) : given
    problems = file.kind === 'wrong' ? file.problems : []
    if (file.kind === 'wrong')
      log.error(
        { problems: file.problems },
        'SETTINGS_FILE has errors: its last valid version stays in force',
      )
    else if (!isDeepStrictEqual(file.settings, now)) {
      now = file.settings
      // The only key that may be missing goes with its line in the file.
      Object.assign(settings, { trigger: undefined }, now)
      log.info({ total: now.limits.total }, 'SETTINGS_FILE has changed: it applies from now on')
      const owners = ownersMoved(first, now)
      if (owners.length > 0)
        log.warn({ owners }, 'owners.….posthog has changed: it applies after a restart')
      for (const changed of listeners) changed()
    }
  }
  const timer = setInterval(() => void checkFile(), rereadMs).unref()
  return {
    onChange: changed => void listeners.push(changed),
    settings,
    failed: () => [
      ...problems.map(problem => failedCheck('settings-file', `SETTINGS_FILE ${problem}`, mend)),
      ...ownersMoved(first, now).map(owner =>
        failedCheck(
          'settings-file',
          `owners.${owner}.posthog has changed: it applies after a restart`,
          restart,
        ),
      ),
    ],
    close: () => clearInterval(timer),
  }
}

const mend = 'Correct the file. Until then its last valid version stays in force.'
const restart = 'Restart the bot, with the variable of the key in its environment.'

/** A PostHog is opened at the start only: its key comes from the environment. */
function ownersMoved(first: DeploymentSettings, now: DeploymentSettings): string[] {
  const names = new Set([...Object.keys(first.owners), ...Object.keys(now.owners)])
  return [...names].filter(
    name => !isDeepStrictEqual(first.owners[name]?.posthog, now.owners[name]?.posthog),
  )
}
