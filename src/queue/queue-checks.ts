import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { type Check, found, passed } from '../core/model/check.ts'
import { QueueUnavailable } from '../core/model/errors.ts'
import { claimDirectory } from './directory-claim.ts'
import { describe } from './queue-log.ts'

export const checkQueue = ({
  redisUrl,
  dataDir,
}: {
  redisUrl: string | undefined
  dataDir: string
}): Promise<Check> => (redisUrl === undefined ? checkDirectory(dataDir) : checkRedis(redisUrl))

async function checkRedis(redisUrl: string): Promise<Check> {
  const warnings: string[] = []
  const log = { warn: (_: object, message: string) => void warnings.push(message), error: () => {} }
  try {
    const { openRedis } = await import('./redis-backend.ts')
    const backend = await openRedis(redisUrl, log, () => {})
    await backend.close()
  } catch (error) {
    return found(
      'queue',
      describe(error),
      'Start Redis, or set REDIS_URL to where it is; without REDIS_URL the queue lives in DATA_DIR.',
    )
  }
  return warnings.length > 0
    ? found('queue', warnings.join('; '), 'Set it so in redis.conf, or with CONFIG SET and CONFIG REWRITE.')
    : passed('queue', 'Redis answers, evicts nothing and writes down what it is told')
}

const wantedBytes = 200 * 1024 * 1024

async function checkDirectory(dataDir: string): Promise<Check> {
  try {
    await mkdir(dataDir, { recursive: true })
    await access(dataDir, constants.W_OK)
    const { bavail, bsize } = await statfs(dataDir)
    if (bavail * bsize < wantedBytes)
      return found(
        'queue',
        `the disk under ${dataDir} has ${Math.round((bavail * bsize) / 1024 / 1024)} MB left`,
        'Make room, or set DATA_DIR to another disk.',
      )
    const claim = await claimDirectory(dataDir)
    await claim.release()
    return passed('queue', `embedded, in ${dataDir}`)
  } catch (error) {
    if (error instanceof QueueUnavailable)
      return passed('queue', `embedded, in ${dataDir}, where a bot is at work`)
    return found(
      'queue',
      `${dataDir} can't be written to: ${describe(error)}`,
      'Set DATA_DIR to a folder that the user of this process may write to.',
    )
  }
}
