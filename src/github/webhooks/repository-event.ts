import { z } from 'zod'
import { accessPayload, type LossBy, lossReader } from './lost-access.ts'

const Repository = z.object({ ...accessPayload, repository: z.object({ id: z.number().int() }) })

const lossBy: LossBy = { archived: 'archived', deleted: 'deleted', transferred: 'transferred' }

export const fromRepository = lossReader(Repository, ({ action, repository }) => {
  const by = lossBy[action]
  return by && { by, repositories: [repository.id] }
})
