/** What a deployment grants, and the accounts that it remembers, for flows without a queue. */

import { accountsIn, type Notes } from '../../src/access/pinned-accounts.ts'
import { type SettingsReader, settingsReader } from '../../src/access/read-settings.ts'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { readDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'

/** @param file the text of `SETTINGS_FILE` @throws an error that names what is wrong */
export function deploymentWith(file = ''): SettingsReader {
  const read = readDeploymentSettings(file)
  if (read.kind === 'problems') throw new Error(JSON.stringify(read.problems))
  return settingsReader(read.value, settingsFile.read)
}

function memoryNotes(): Notes {
  const kept = new Map<string, unknown>()
  return {
    add: async (id, data) => void (kept.has(id) || kept.set(id, data)),
    get: async id => (kept.has(id) ? { data: kept.get(id) } : undefined),
  }
}

export const memoryAccounts = () => accountsIn(memoryNotes())
