/**
 * The settings that hold in a repository now: its file on the default branch, within what the deployment grants. A file
 * with a slip keeps its last version without one in force; where there is none, nothing may start.
 */
import { createHash } from 'node:crypto'
import type { ThreadClient } from '../core/model/ports.ts'
import type { Thread } from '../core/model/thread.ts'
import {
  bounded,
  type DeploymentSettings,
  type Grants,
  grantsOf,
} from '../core/settings/deployment-settings.ts'
import {
  problemsText,
  type ReadSettings,
  type RepoSettings,
  settingsPath,
} from '../core/settings/repository-settings.ts'

export interface SettingsNow {
  settings: RepoSettings
  grants: Grants
  /** What is wrong with the file of now. */
  problem: string | undefined
  /** False when the file never was right: these settings are then the strictest guess, and nothing may start. */
  usable: boolean
  /** Tells one state of the file from another in the log. */
  version: string
}

export interface SettingsReader {
  deployment: DeploymentSettings
  of(github: Files, thread: Thread): Promise<SettingsNow>
}

type Files = Pick<ThreadClient, 'file' | 'fileCommits'>

const maxKept = 1_000
const maxVersions = 10

export function settingsReader(deployment: DeploymentSettings, read: ReadSettings): SettingsReader {
  /** By the version with the slip, so that a comment does not cost a reading of history. */
  const lastGood = new Map<string, RepoSettings | undefined>()

  async function goodBefore(github: Files, key: string): Promise<RepoSettings | undefined> {
    if (lastGood.has(key)) return lastGood.get(key)
    const found = await newestGood(github, text => read(text, deployment.defaults))
    const [oldest] = lastGood.keys()
    if (lastGood.size >= maxKept && oldest !== undefined) lastGood.delete(oldest)
    lastGood.set(key, found)
    return found
  }

  return {
    deployment,
    async of(github, thread) {
      const text = await github.file(settingsPath)
      const version = versionOf(text)
      const { settings, problems } = read(text, deployment.defaults)
      const slip = problems.length > 0
      const good = slip ? await goodBefore(github, `${thread.repoId} ${version}`) : settings
      const grants = grantsOf(deployment, thread)
      return {
        settings: bounded(good ?? settings, grants),
        grants,
        problem: slip ? problemsText(problems) : undefined,
        usable: good !== undefined,
        version,
      }
    },
  }
}

/** The first of the commits is the one with the slip. */
async function newestGood(github: Files, read: ReadSettings): Promise<RepoSettings | undefined> {
  for (const commit of (await github.fileCommits(settingsPath)).slice(1, 1 + maxVersions)) {
    const { settings, problems } = read(await github.file(settingsPath, commit))
    if (problems.length === 0) return settings
  }
  return undefined
}

const versionOf = (text: string | undefined): string =>
  text === undefined ? 'none' : createHash('sha256').update(text).digest('hex').slice(0, 12)
