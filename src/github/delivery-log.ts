/** GitHub's log of the webhooks that it delivered to the App. */
import { z } from 'zod'
import { NoResponse } from '../core/model/errors.ts'
import type { GitHubApp } from './app-client.ts'
import { fetchUpTo, unlessGone } from './request-rules.ts'
import { maxBody } from './webhooks/body-reader.ts'
import { type Delivery, isBot } from './webhooks/event.ts'
import { base } from './webhooks/payloads.ts'

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
    installation_id: z.number().nullish(),
    repository_id: z.number().nullish(),
  })
  .transform(({ delivered_at, installation_id, repository_id, ...rest }) => ({
    ...rest,
    where:
      installation_id && repository_id
        ? { installationId: installation_id, repoId: repository_id }
        : undefined,
    at: delivered_at,
    ok: rest.status === 'OK' || Math.floor((rest.status_code ?? 0) / 100) === 2,
  }))

const Shown = z.object({
  guid: z.string(),
  event: z.string(),
  request: z.object({
    headers: z.record(z.string(), z.unknown()).default({}),
    payload: z.looseObject({}),
  }),
})

/** What the door takes, with what GitHub puts around it: headers, and what the address answered. */
const maxShown = maxBody + 1024 * 1024

const tooLarge = () =>
  Response.json({ message: `the payload is larger than ${maxShown} bytes` }, { status: 413 })

function understood<T>(schema: z.ZodType<T>, data: unknown): T {
  const read = schema.safeParse(data)
  if (read.success) return read.data
  throw new NoResponse('github', 'GitHub’s log of deliveries could not be read', {
    cause: read.error,
  })
}

export function deliveryLog(app: GitHubApp) {
  async function asShown(id: string): Promise<z.infer<typeof Shown>> {
    const { data } = await app.asApp('GET /app/hook/deliveries/{delivery_id}', {
      delivery_id: id,
      request: { fetch: fetchUpTo(maxShown, tooLarge) },
    })
    return understood(Shown, data)
  }

  return {
    asShown,

    async page(cursor?: string) {
      // `status=failure` leaves out deliveries without any response (status code 0).
      const query = { per_page: 100, cursor }
      const { data, headers } = await app.asApp('GET /app/hook/deliveries', query)
      const next = /<([^>]*)>\s*;\s*rel="next"/.exec(headers.link ?? '')?.[1]
      const nextCursor = next && new URL(next).searchParams.get('cursor')
      const left = headers['x-ratelimit-remaining']
      return {
        attempts: understood(z.array(Attempt), data),
        next: nextCursor || undefined,
        /** Calls that the App may still make in this hour, if GitHub says it. */
        callsLeft: left === undefined ? undefined : Number(left),
      }
    },

    /**
     * A webhook as it was sent. Its signature is of bytes that GitHub does not show, and need not be held against
     * anything: GitHub itself says this, over TLS, to who has the App's key.
     * @throws Rejected with status 413 if it is too large
     */
    async sent(id: string): Promise<Delivery & { payload: object }> {
      const { guid, event, request } = await asShown(id)
      return { id: guid, event, payload: request.payload }
    },

    /** Asks GitHub to redeliver: the same bytes and GUID. @throws Rejected | RetryLater | NoResponse */
    async redeliver(id: string) {
      await app.asApp('POST /app/hook/deliveries/{delivery_id}/attempts', { delivery_id: id })
    },
  }
}

const Texts = z.object({
  ...base,
  action: z.enum(['created', 'opened']),
  comment: z.object({ id: z.number().int() }).optional(),
  issue: z.object({ number: z.number().int() }).optional(),
  pull_request: z.object({ number: z.number().int() }).optional(),
})

const Reactions = z.array(
  z.object({
    content: z.string(),
    user: z.object({ login: z.string() }).nullish().catch(undefined),
  }),
)

/** Eyes show that the bot is at it. */
const underWay = 'eyes'

/** Whether a comment, issue or pull request shows that we answered it: our reaction at an end stays on it. */
export const answeredBefore =
  (app: GitHubApp) =>
  async ({ event, payload }: Delivery) => {
    const { data: texts } = Texts.safeParse(payload)
    // Bots ask for nothing.
    if (!texts?.installation || isBot(texts)) return false
    const { installation, repository, comment } = texts
    const number = texts.issue?.number ?? texts.pull_request?.number
    const where = comment
      ? `${event === 'issue_comment' ? 'issues' : 'pulls'}/comments/${comment.id}`
      : `issues/${number}`
    const client = app.forRepo({ installationId: installation.id, repoId: repository.id })
    const read = await unlessGone(() =>
      client.request(`GET /repos/{owner}/{repo}/${where}/reactions`, {
        owner: repository.owner.login,
        repo: repository.name,
        per_page: 100,
      }),
    )
    const login = await app.botLogin()
    return Reactions.parse(read?.data ?? []).some(
      ({ content, user }) => user?.login === login && content !== underWay,
    )
  }
