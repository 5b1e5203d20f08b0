import { settingsReader } from '../access/read-settings.ts'
import { settingsFile } from '../commands/command-registry.ts'
import type { NameHolds } from '../core/settings/deployment-settings.ts'
import type { GitHubApp } from '../github/app-client.ts'
import { ownerFilesOf } from '../github/repository-files.ts'
import type { Runtime } from './runtime.ts'

export const settingsOf = ({ settings, clock: { now } }: Runtime, app: GitHubApp, nameHolds: NameHolds) =>
  settingsReader({
    deployment: settings.settings,
    file: settingsFile,
    ownerFiles: ownerFilesOf(app, now),
    nameHolds,
    now,
  })
