/** What a deployment grants, for flows without a queue. */

import { type SettingsReader, settingsReader } from '../../src/access/read-settings.ts'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { readDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import type { RepoSettings } from '../../src/core/settings/repository-settings.ts'

/** @param file the text of `SETTINGS_FILE` @throws an error that names what is wrong */
export function deploymentWith(
  file = '',
  now = Date.now,
  { ownerFile }: { ownerFile?: string | undefined } = {},
): SettingsReader {
  const read = readDeploymentSettings(file)
  if (read.kind === 'problems') throw new Error(JSON.stringify(read.problems))
  return settingsReader({
    deployment: read.value,
    file: settingsFile,
    ownerFiles: () => ({ text: async () => ownerFile, commits: async () => [] }),
    now,
  })
}

/** What holds of a file with which nothing is wrong, or nothing of it. */
export const settingsOf = (file?: string): RepoSettings =>
  settingsFile.complete(settingsFile.read(file).given)
