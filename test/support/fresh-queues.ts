/** Queues that nobody has used: a database each of one Redis where it is there, as an embedded one costs a start as much again. */
import { rm } from 'node:fs/promises'
import { newDataDir } from './data-dir.ts'
import { type RedisServer, redisAvailable, startRedis } from './redis-server.ts'

export class FreshQueues {
  #redis: Promise<RedisServer> | undefined
  #last = -1
  readonly #folders: string[] = []

  /** What a bot is to find in its environment. */
  async next(): Promise<Record<string, string>> {
    if (!redisAvailable()) return this.embedded()
    this.#last += 1
    const number = this.#last
    this.#redis ??= startRedis('--databases', '64')
    return { REDIS_URL: `${(await this.#redis).url}/${number}` }
  }

  async embedded(): Promise<Record<string, string>> {
    const folder = await newDataDir()
    this.#folders.push(folder)
    return { DATA_DIR: folder }
  }

  async close(): Promise<void> {
    await (await this.#redis)?.stop()
    await Promise.all(this.#folders.map(folder => rm(folder, { recursive: true, force: true })))
  }
}
