/** What a deployment grants, and the accounts that it remembers, for flows without a queue. */

import { accountsIn, type WrittenOnce } from '../../src/access/first-of.ts'
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

function memoryNotes(): WrittenOnce {
  const kept = new Map<string, unknown>()
  return {
    add: async (id, data) => {
      const outcome = kept.has(id) ? 'known' : 'added'
      if (outcome === 'added') kept.set(id, data)
      return { outcome }
    },
    get: async id => (kept.has(id) ? { data: kept.get(id) } : undefined),
  }
}

/** Of a queue of its own. @param said gets what is logged */
export const memoryAccounts = (said: string[] = []) =>
  accountsIn(memoryNotes(), { warn: (_, message) => void said.push(message) })
