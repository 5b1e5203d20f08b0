/**
 * The settings of a repository now. A wrong file keeps its last good version in force; without one, nothing starts.
 */
import { createHash } from 'node:crypto'
import { Rejected } from '../core/model/errors.ts'
import type { Files, OwnerFiles } from '../core/model/ports.ts'
import type { Repository, Thread } from '../core/model/thread.ts'
import { cachedFor, second } from '../core/model/time.ts'
import { limits } from '../core/record/timing.ts'
import {
  type DeploymentSettings,
  type Grants,
  grantsOf,
} from '../core/settings/deployment-settings.ts'
import { settingsOfLayers } from '../core/settings/layers.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import {
  type FileSlips,
  problemsText,
  type SettingsFile,
  type SettingsRead,
  settingsPath,
} from '../core/settings/settings-file.ts'
import { NewestMap } from '../core/text/newest-map.ts'

export interface SettingsNow {
  settings: RepoSettings
  grants: Grants
  files: Record<LayerName, LayerNow>
  problem: string | undefined
  /** What `problem` is about. */
  slips: readonly FileSlips[]
  /** False if no version of a file was ever right: nothing may start, and `settings` are the strictest. */
  usable: boolean
  version: string
}

type LayerName = 'owner' | 'repository'

export interface LayerNow extends Pick<SettingsRead, 'given' | 'lineOf'> {
  state: 'none' | 'read' | 'kept' | 'unusable'
  problem: string | undefined
  slips?: FileSlips
  version: string
}

export type SettingsReader = ReturnType<typeof settingsReader>

const latelyMs = 10 * second

const maxRememberedFiles = 1_000
const maxVersions = 10

interface SettingsSources {
  deployment: DeploymentSettings
  file: SettingsFile
  ownerFiles: OwnerFiles
  now(): number
}

const ownerRepository = '.github'

export function settingsReader({ deployment, file, ownerFiles, now }: SettingsSources) {
  /** The key is the wrong version, so that the history is not read again for each comment. */
  const lastGood = new NewestMap<string, SettingsRead | undefined>(maxRememberedFiles)

  async function goodBefore(files: Files, key: string): Promise<SettingsRead | undefined> {
    if (lastGood.has(key)) return lastGood.get(key)
    const found = await newestGood(files, file.read)
    lastGood.set(key, found)
    return found
  }

  const believe = absenceJudge(now)

  async function layer(files: Files, name: string, path: string): Promise<LayerNow> {
    const text = await files.text(settingsPath)
    believe(name, path, text !== undefined)
    const version =
      text === undefined ? 'none' : createHash('sha256').update(text).digest('hex').slice(0, 12)
    const read = file.read(text)
    if (read.problems.length === 0) {
      const state = text === undefined ? 'none' : 'read'
      return { ...read, state, problem: undefined, version }
    }
    const problem = problemsText(read.problems, path)
    const slips = { path, count: read.problems.length }
    const good = await goodBefore(files, `${name} ${version}`)
    return good
      ? // Its lines are not those of the file of now.
        { ...good, lineOf: () => undefined, state: 'kept', problem, slips, version }
      : { ...read, state: 'unusable', problem, slips, version }
  }

  const reader = {
    deployment,
    grantsOf: ({ ownerId }: Pick<Thread, 'ownerId'>) => grantsOf(deployment, ownerId),
    async of(files: Files, thread: Repository): Promise<SettingsNow> {
      const { owner: login, repo, repoId } = thread
      const path = `${login}/${ownerRepository}: ${settingsPath}`
      const isOwners = repo.toLowerCase() === ownerRepository
      const grants = reader.grantsOf(thread)
      const [found, repository] = await Promise.all([
        isOwners
          ? layer(files, `${repoId}`, path)
          : layer(ownerFiles(thread), `${login.toLowerCase()} of ${thread.installationId}`, path),
        isOwners ? noFile : layer(files, `${repoId}`, settingsPath),
      ])
      // It may be there where the App is not let in, which GitHub does not tell from a file that is not there.
      const problem = `${path} can not be read, and the deployment requires it: is the App installed on the repository ${ownerRepository}, and the file there?`
      const isMissing = grants.required && found.state === 'none'
      const owner: LayerNow = isMissing ? { ...noFile, state: 'unusable', problem } : found
      const all = [owner, repository]
      return {
        settings: settingsOfLayers(file, grants, {
          owner: owner.given,
          repository: repository.given,
        }),
        grants,
        files: { owner, repository },
        problem: all.flatMap(({ problem }) => problem ?? []).join('; ') || undefined,
        slips: all.flatMap(({ slips }) => slips ?? []),
        usable: all.every(({ state }) => state !== 'unusable'),
        version:
          owner.state === 'none' ? repository.version : `${owner.version} ${repository.version}`,
      }
    },
    /** The settings of at most ten seconds ago: for what anybody can make happen, as often as they like. */
    lately: (files: Files, thread: Repository) =>
      lateSettings.get(`${thread.repoId}`, files, thread),
  }
  const lateSettings = cachedFor(latelyMs, now, (_, files: Files, thread: Repository) =>
    reader.of(files, thread),
  )
  return reader
}

/**
 * A file that was there when this process read it last is asked for again before it is believed gone: GitHub may not show
 * it for a moment, and its rules would not hold.
 */
function absenceJudge(now: () => number): (name: string, path: string, isThere: boolean) => void {
  const wasThere = new NewestMap<string, { absentSince: number | undefined }>(maxRememberedFiles)
  return (name, path, isThere) => {
    const { absentSince = now() } = wasThere.get(name) ?? { absentSince: Number.NEGATIVE_INFINITY }
    wasThere.delete(name)
    if (isThere) wasThere.set(name, { absentSince: undefined })
    else if (now() - absentSince < limits.absent) {
      wasThere.set(name, { absentSince })
      throw new Rejected('github', 404, '', `${path} is not there`, undefined, 'read')
    }
  }
}

const noFile: LayerNow = {
  given: {},
  lineOf: () => undefined,
  state: 'none',
  problem: undefined,
  version: 'none',
}

async function newestGood(
  files: Files,
  read: SettingsFile['read'],
): Promise<SettingsRead | undefined> {
  for (const commit of (await files.commits(settingsPath)).slice(1, 1 + maxVersions)) {
    const found = read(await files.text(settingsPath, commit))
    if (found.problems.length === 0) return found
  }
  return undefined
}
