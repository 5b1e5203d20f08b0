/**
 * What GitHub's page shows of texts. Each is read from its Markdown; GitHub is only asked whether what was written a while
 * ago was folded away or changed since.
 */
import { z } from 'zod'
import type { ThreadClient, WrittenText } from '../core/model/ports.ts'
import { changedPage, minimizedPage, type SeenPage } from '../core/text/seen-page.ts'
import { send } from './graphql.ts'
import { readPage, readStrangersPage } from './page-reader.ts'
import type { ThreadAccess } from './read-ahead.ts'
import { unlessLimited } from './request-rules.ts'

/** GitHub takes 100 nodes in one query. */
const maxAsked = 100

const query = `query pages($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on IssueComment { id isMinimized }
    ... on PullRequestReview { id isMinimized }
    ... on PullRequestReviewComment { id isMinimized lastEditedAt }
  }
}`

const Standing = z.object({
  id: z.string(),
  isMinimized: z.boolean(),
  lastEditedAt: z.string().nullish(),
})
type Standing = z.infer<typeof Standing>

const StandingsResponse = z.object({ nodes: z.array(Standing.nullable().catch(null)) })

export function pagesOf({ client }: ThreadAccess): ThreadClient['pages'] {
  async function pageOf(
    { text, id, mayBeMinimized, asked, addresses, byStranger }: WrittenText,
    standings: ReadonlyMap<string, Standing>,
  ): Promise<SeenPage | undefined> {
    const isAsked = mayBeMinimized && id !== undefined
    const standing = isAsked ? standings.get(id) : undefined
    if (isAsked || asked !== undefined) {
      if (!standing) return undefined
      if (standing.isMinimized) return minimizedPage
      if (Date.parse(standing.lastEditedAt ?? '') >= (asked ?? Number.NaN)) return changedPage
    }
    const read = byStranger ? readStrangersPage : readPage
    return read(text, { addresses })
  }

  async function standingsFor(texts: readonly WrittenText[]): Promise<Map<string, Standing>> {
    const ids = texts.flatMap(({ id, mayBeMinimized }) =>
      id !== undefined && mayBeMinimized ? [id] : [],
    )
    const found: Standing[] = []
    for (let at = 0; at < ids.length; at += maxAsked) {
      const variables = { ids: ids.slice(at, at + maxAsked) }
      // A refusal, an outage or an answer that makes no sense is no answer.
      const response = await send(client, query, variables).catch(unlessLimited)
      const read = StandingsResponse.safeParse(response?.data).data
      found.push(...(read?.nodes ?? []).flatMap(node => node ?? []))
    }
    return new Map(found.map(standing => [standing.id, standing]))
  }

  return {
    /** The pages in the order of the texts. It is `undefined` for a text whose page can't be had. @throws RetryLater */
    async shown(texts) {
      const standings = await standingsFor(texts)
      return Promise.all(texts.map(written => pageOf(written, standings)))
    },
  }
}
