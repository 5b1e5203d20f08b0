/**
 * Whether the database's folder is still there. PGlite never learns that it was deleted: it goes on with the files it
 * has open, and fails at those that it opens next.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { QueueLog } from './queue-log.ts'
import { QueueGone } from './work-queue.ts'

export interface DataFolder {
  /** @throws QueueGone for ever after it was found deleted, or another in its place */
  assertThere(): Promise<void>
}

export async function watchFolder(folder: string, log: QueueLog): Promise<DataFolder> {
  const identity = () =>
    stat(join(folder, 'PG_VERSION')).then(
      ({ dev, ino }) => `${dev} ${ino}`,
      error => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return 'none'
        throw error
      },
    )
  const first = await identity()
  let gone: QueueGone | undefined
  return {
    async assertThere() {
      if (!gone && (await identity()) === first) return
      if (!gone) {
        gone = new QueueGone(folder)
        log.error({ folder }, `${gone.message}. ${gone.fix}`)
      }
      throw gone
    },
  }
}
