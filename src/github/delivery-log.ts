import { z } from 'zod'
import { NoResponse } from '../core/model/errors.ts'
import type { GitHubApp } from './app-client.ts'

const Attempt = z
  .object({
    // May exceed a safe integer; Octokit then gives a bigint.
    id: z.union([z.number(), z.bigint()]).transform(String),
    guid: z.string(),
    event: z.string(),
    delivered_at: z.string().transform(Date.parse).pipe(z.number()),
    redelivery: z.boolean(),
    status: z.string(),
    status_code: z.number().nullish(),
  })
  .transform(({ delivered_at, status, status_code, ...rest }) => ({
    ...rest,
    at: delivered_at,
    ok: status === 'OK' || Math.floor((status_code ?? 0) / 100) === 2,
  }))
type Attempt = z.infer<typeof Attempt>

interface LogPage {
  attempts: Attempt[]
  next: string | undefined
}

export function deliveryLog(app: GitHubApp) {
  return {
    async page(cursor?: string): Promise<LogPage> {
      // `status=failure` leaves out deliveries without any response (status code 0).
      const query = { per_page: 100, cursor }
      const { data, headers } = await app.asApp('GET /app/hook/deliveries', query)
      const read = z.array(Attempt).safeParse(data)
      if (!read.success)
        throw new NoResponse('github', 'GitHub’s log of deliveries could not be read', { cause: read.error })
      const next = /<([^>]*)>\s*;\s*rel="next"/.exec(headers.link ?? '')?.[1]
      const nextCursor = next && new URL(next).searchParams.get('cursor')
      return { attempts: read.data, next: nextCursor || undefined }
    },

    /** Asks GitHub to redeliver: the same bytes and GUID. @throws Rejected | RetryLater | NoResponse */
    async redeliver(id: string): Promise<void> {
      await app.asApp('POST /app/hook/deliveries/{delivery_id}/attempts', { delivery_id: id })
    },
  }
}
