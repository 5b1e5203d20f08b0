/**
 * The signed, hidden marker in our comments and pull requests, bound to repository and thread. It must stand on a line
 * of its own; in a comment, the last one counts.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { perhaps } from '../model/schema-parts.ts'
import { hashOf, type Thread } from '../model/thread.ts'
import { readJson } from '../text/json.ts'
import { Backup } from './recovery-record.ts'
import { Rights, whats } from './request-part.ts'
import { type Run, sessionOf } from './run.ts'

/** Unknown values of another version are ignored. */
export const Marker = z.object({
  run: z.string(),
  repo: z.int(),
  thread: z.int(),
  as: z.enum(['status', 'closing', 'reply', 'status-reply', 'refusal', 'help', 'pull']),
  to: perhaps(z.int()),
  /** A reply that says why nothing comes of what was asked. */
  refuses: perhaps(z.literal(true)),
  round: perhaps(z.int()),
  task: perhaps(z.string()),
  taskRun: perhaps(z.string()),
  may: perhaps(Rights),
  branch: perhaps(z.string()),
  made: z.string().optional(),
  sha: perhaps(z.string()),
  pull: perhaps(z.int()),
  /** For a pull request, the numbers of the people whose words made it. */
  by: perhaps(z.array(z.int())),
  what: perhaps(z.enum(whats)),
  /** In the comment of a plan: what it said when we wrote it, see `sealOf`. */
  seal: perhaps(z.string()),
  backup: perhaps(Backup),
})
export type Marker = z.infer<typeof Marker>

/** A mail shows the whole marker, so a comment that is mailed says in it only its run and round. */
export const shortMarkerOf = (run: Run, as: Marker['as']): Marker => ({
  run: run.id,
  repo: run.thread.repoId,
  thread: run.thread.number,
  as,
  round: run.result.round,
})

/** All that a later command, or the search for lost runs, has to know. */
export function markerOf(run: Run, as: Marker['as']): Marker {
  const pull = run.result.pulls.at(-1)
  const branch = pull?.state === 'open' ? pull.head : run.workspace.branch?.name
  const { taskId, earlier } = run.session
  const session = sessionOf(run) ?? (earlier?.taskId === taskId ? earlier : undefined)
  return {
    ...shortMarkerOf(run, as),
    what: run.request.what,
    task: taskId,
    taskRun: session?.taskRunId,
    may: session?.may,
    branch,
    made: run.workspace.madeBranch,
    sha: run.workspace.branch?.sha,
    pull: pull?.number,
  }
}

export interface Signer {
  write(marker: Marker): string
  read(text: string, thread: Pick<Thread, 'repoId' | 'number'>): Marker[]
}

const markerLine = /^<!-- codex-run:([A-Za-z0-9_-]{1,40000})\.([A-Za-z0-9_-]{43}) -->[ \t]*$/gm

export const hasMarker = (text: string): boolean => text.includes('<!-- codex-run:')

export const aroundMarkers = (text: string, change: (words: string) => string): string => {
  const markers = [...text.matchAll(markerLine)].map(([marker]) => marker)
  return text
    .split(new RegExp(markerLine.source.replaceAll('(', '(?:'), 'm'))
    .map((words, index) => `${change(words)}${markers[index] ?? ''}`)
    .join('')
}

/** A fingerprint of the words of a comment. Ticked boxes do not count, nor how a browser ends lines. */
export function sealOf(text: string): string {
  const words = text
    .replace(markerLine, '')
    .replace(/\r\n?/g, '\n')
    .replace(/^- \[[xX]\]/gm, '- [ ]')
  return hashOf(22, words.trim())
}

const signingKey = (secret: string) =>
  Buffer.from(hkdfSync('sha256', secret, '', 'codex-run marker', 32))

const macOf = (key: Buffer, payload: string) => createHmac('sha256', key).update(payload).digest()

/** @param former earlier secrets, whose markers are still read */
export function markerSigner(secret: string, former: readonly string[] = []): Signer {
  const key = signingKey(secret)
  const keys = [key, ...former.map(signingKey)]
  const isSignedByUs = (payload: string, signature: string) =>
    keys.some(each => timingSafeEqual(macOf(each, payload), Buffer.from(signature, 'base64url')))
  return {
    write(marker) {
      const payload = Buffer.from(JSON.stringify(marker)).toString('base64url')
      return `<!-- codex-run:${payload}.${macOf(key, payload).toString('base64url')} -->`
    },
    read(text, thread) {
      const lines = [...text.matchAll(markerLine)]
      return lines.flatMap((line, index) => {
        const [, payload = '', signature = ''] = line
        if (!isSignedByUs(payload, signature)) return []
        const marker = readJson(Marker, Buffer.from(payload, 'base64url').toString())
        if (!marker || marker.repo !== thread.repoId || marker.thread !== thread.number) return []
        return marker.as === 'pull' || index === lines.length - 1 ? [marker] : []
      })
    },
  }
}
