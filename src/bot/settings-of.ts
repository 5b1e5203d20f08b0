import { settingsReader } from '../access/read-settings.ts'
import { settingsFile } from '../commands/command-registry.ts'
import type { NamesOf } from '../core/settings/deployment-settings.ts'
import type { GitHubApp } from '../github/app-client.ts'
import { ownerFilesOf } from '../github/repository-files.ts'
import type { Runtime } from './runtime.ts'

export const settingsOf = ({ settings, clock: { now } }: Runtime, app: GitHubApp, names: NamesOf) =>
  settingsReader({
    deployment: settings.settings,
    file: settingsFile,
    ownerFiles: ownerFilesOf(app, now),
    names,
    now,
  })
