/** The stored log of a run, always read to its end. */
import { z } from 'zod'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import type { LogEntry } from '../core/run/apply-snapshot.ts'
import type { Session } from '../core/run/session.ts'
import { logEntry } from './log-entries.ts'
import type { Call, PostHogResponse } from './posthog-http.ts'

export const runPath = ({ taskId, taskRunId }: Session): string => `tasks/${taskId}/runs/${taskRunId}/`

/** PostHog's maximum; it gives less when entries are large. */
const pageLength = 5_000

/** Of each entry what says something, so that what it is wrapped in is not kept. */
const Entries = z.array(z.unknown().transform(logEntry))
type Page = PostHogResponse<LogEntry[][]>

export function sessionLog(request: <T>(request: Call<T>) => Promise<PostHogResponse<T>>) {
  let served = false

  async function page(
    session: Session,
    query: Record<string, string>,
    counted = false,
  ): Promise<Page | undefined> {
    try {
      const read = await request({
        method: 'GET',
        path: `${runPath(session)}session_logs/`,
        query,
        schema: Entries,
        counted,
      })
      served = true
      return read
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      if (!served && isWithout(error)) return undefined
      throw new NoResponse('posthog', `PostHog did not give the log of a run: ${error.message}`, {
        cause: error,
      })
    }
  }

  /**
   * All entries after the first `offset`; `undefined` if the server has no logs. Its first page is part of the poll's
   * budget.
   */
  async function after(session: Session, offset: number): Promise<LogEntry[][] | undefined> {
    const entries: LogEntry[][] = []
    for (;;) {
      const from = String(offset + entries.length)
      const read = await page(session, { limit: String(pageLength), offset: from }, entries.length === 0)
      if (!read) return undefined
      entries.push(...read.data)
      if (!hasMore(read)) return entries
      if (read.data.length === 0) throw new NoResponse('posthog', 'PostHog held back a part of a log')
    }
  }

  /** One call if the server counts entries, else one a page. */
  async function length(session: Session): Promise<number> {
    const read = await page(session, { limit: '1', offset: '0' })
    if (!read) return 0
    const count = read.headers.get('x-matching-count') ?? ''
    return /^\d+$/.test(count) ? Number(count) : ((await after(session, 0)) ?? []).length
  }

  return { after, length }
}

/** Older servers have no such log. */
const isWithout = ({ status, message }: Rejected): boolean =>
  status === 405 || (status === 404 && message === 'Endpoint not found.')

function hasMore({ data, headers }: Page): boolean {
  const said = headers.get('x-has-more')
  return said === null ? data.length >= pageLength : said.toLowerCase() === 'true'
}
