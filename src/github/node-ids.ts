/** Names that GraphQL gives to repositories, threads and people, which never change; those of labels are read each time. */
import type { Thread } from '../core/model/thread.ts'

const most = 10_000

export class NodeIds extends Map<string, string> {
  override set(name: string, id: string): this {
    super.set(name, id)
    const [oldest] = this.keys()
    if (this.size > most && oldest !== undefined) this.delete(oldest)
    return this
  }
}

export const threadKey = ({ repoId, number }: Pick<Thread, 'repoId' | 'number'>): string =>
  `${repoId}/${number}`
