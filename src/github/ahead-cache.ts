/**
 * Cache of what was read of a thread in one query. Each part is taken once, by one process, within seconds: a second
 * reader wants fresh data.
 */
import { z } from 'zod'
import type { SharedCache } from '../core/model/ports.ts'
import type { Thread } from '../core/model/thread.ts'
import type { IssueBranches } from '../core/model/views.ts'

export interface GivenComment {
  id: number
  node_id?: string
  body?: string
  user: { login: string; type: string } | null
  author_association?: string
  created_at: string
  updated_at: string
}

export interface Parts {
  settings: { text: string | undefined }
  comments: GivenComment[]
  branches: IssueBranches
  open: true
}

const Branch = z.object({ name: z.string(), sha: z.string() })
const Shared = z.object({
  at: z.number(),
  nodes: z.object({ thread: z.string().optional(), repository: z.string().optional() }),
  open: z.literal(true).optional(),
  branches: z
    .object({
      linked: z.array(Branch),
      ours: z.array(Branch),
      base: Branch.optional(),
      ids: z.object({ issue: z.string(), repository: z.string() }).optional(),
    })
    .transform(found => ({ base: undefined, ids: undefined, ...found }))
    .optional(),
})
type Shared = z.infer<typeof Shared>
const readShared = (value: unknown): Shared | undefined => Shared.safeParse(value).data

/** ms */
const goodFor = 10_000
/** Of all that is kept, as it lies in memory: a thread may have 13 MB of comments. */
const maxBytes = 16 * 2 ** 20
const mostIds = 10_000

export interface ReadAheads {
  keep(key: string, parts: Partial<Parts>): void
  take<K extends keyof Parts>(key: string, part: K): Parts[K] | undefined
  see<K extends keyof Parts>(key: string, part: K): Parts[K] | undefined
  ids: { get(name: string): string | undefined; set(name: string, id: string): void }
  /** Shares it with the process that starts the Run. */
  share(thread: Thread): Promise<void>
  /** Takes what another process shared. What this process shared it keeps, unless another has taken it. */
  fetch(thread: Thread): Promise<void>
}

interface Kept {
  at: number
  bytes: number
  parts: Partial<Parts>
  isShared?: boolean
}

interface Sharing {
  cache: SharedCache
  name: string
}

export function readAheads(now: () => number, sharing?: Sharing): ReadAheads {
  const kept = new Map<string, Kept>()
  const ids = new Map<string, string>()
  const rememberNode = (name: string, id: string): void => {
    ids.set(name, id)
    dropOldest(ids, mostIds)
  }
  let bytes = 0
  const drop = (key: string): void => {
    bytes -= kept.get(key)?.bytes ?? 0
    kept.delete(key)
  }
  const keep = (key: string, { at, parts }: Pick<Kept, 'at' | 'parts'>): void => {
    drop(key)
    const found = { at, parts, bytes: bytesOf(parts) }
    if (found.bytes > maxBytes) return
    kept.set(key, found)
    bytes += found.bytes
    for (const oldest of kept.keys()) {
      if (bytes <= maxBytes) break
      drop(oldest)
    }
    setTimeout(() => fresh(key), goodFor).unref()
  }
  const fresh = (key: string): Kept | undefined => {
    const found = kept.get(key)
    if (found && now() - found.at < goodFor) return found
    drop(key)
    return undefined
  }
  const inCache = (thread: Thread): string => `${sharing?.name} ${threadKey(thread)}`
  return {
    keep: (key, parts) => keep(key, { at: now(), parts }),
    take(key, part) {
      const parts = fresh(key)?.parts
      const found = parts?.[part]
      delete parts?.[part]
      return found
    },
    see: (key, part) => fresh(key)?.parts[part],
    ids: {
      get: name => ids.get(name),
      set: rememberNode,
    },
    async share(thread) {
      const found = fresh(threadKey(thread))
      if (!sharing || !found) return
      const { open, branches } = found.parts
      const nodes = { thread: ids.get(threadKey(thread)), repository: ids.get(String(thread.repoId)) }
      const shared: Shared = { at: found.at, nodes, open, branches }
      found.isShared = true
      await sharing.cache.put(inCache(thread), shared, goodFor).catch(() => {})
    },
    async fetch(thread) {
      if (!sharing) return
      const own = fresh(threadKey(thread))
      if (own && !own.isShared) return
      const found = await sharing.cache.take(inCache(thread)).then(readShared, () => undefined)
      if (own) {
        own.isShared = false
        if (!found) drop(threadKey(thread))
        return
      }
      if (!found) return
      const { nodes, open, branches } = found
      const at = Math.min(found.at, now())
      keep(threadKey(thread), { at, parts: { ...(open && { open }), ...(branches && { branches }) } })
      if (nodes.thread !== undefined) rememberNode(threadKey(thread), nodes.thread)
      if (nodes.repository !== undefined) rememberNode(String(thread.repoId), nodes.repository)
    },
  }
}

/** A character takes two bytes at most; the rest of a part, a few hundred. */
function bytesOf({ settings, comments = [] }: Partial<Parts>): number {
  const texts = [settings?.text, ...comments.map(({ body }) => body)]
  return texts.reduce((sum, text) => sum + 500 + 2 * (text?.length ?? 0), 0)
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}

export const threadKey = ({ repoId, number }: Pick<Thread, 'repoId' | 'number'>): string =>
  `${repoId}/${number}`
