import { z } from 'zod'
import { accessPayload, type LossBy, lossReader } from './lost-access.ts'

const lossBy: LossBy = { deleted: 'uninstalled', suspend: 'suspended' }

export const fromInstallation = lossReader(z.object(accessPayload), ({ action }) => {
  const by = lossBy[action]
  return by && { by }
})
