import { z } from 'zod'
import { accessPayload, lossReader } from './lost-access.ts'

const InstallationRepositories = z.object({
  ...accessPayload,
  repositories_removed: z.array(z.object({ id: z.number().int() })).nullish(),
})

export const fromInstallationRepositories = lossReader(
  InstallationRepositories,
  ({ action, repositories_removed: removed }) =>
    action === 'removed' && removed?.length
      ? { by: 'removed', repositories: removed.map(({ id }) => id) }
      : undefined,
)
