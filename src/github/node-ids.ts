/** Names that GraphQL gives to threads and people, which never change; those of labels are read each time. */
import type { Thread } from '../core/model/thread.ts'
import { NewestMap } from '../core/text/newest-map.ts'

export type NodeIds = Map<string, string>

export const nodeIds = (): NodeIds => new NewestMap(10_000)

export const threadKey = ({ repoId, number }: Pick<Thread, 'repoId' | 'number'>): string =>
  `${repoId}/${number}`

export const personKey = (login: string): string => `user/${login}`

export const labelKey = ({ repoId }: Pick<Thread, 'repoId'>, name: string): string =>
  `label/${repoId}/${name.toLowerCase()}`
