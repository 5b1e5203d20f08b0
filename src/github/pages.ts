/**
 * What GitHub's page shows of texts: the HTML that GitHub rendered, asked apart from all else, so that a heavy text of
 * a stranger fails nothing but itself. Never the raw text instead.
 */
import { z } from 'zod'
import { NoResponse, RetryLater } from '../core/model/errors.ts'
import type { ThreadClient, WrittenText } from '../core/model/ports.ts'
import { asWritten, changedPage, minimizedPage, type SeenPage } from '../core/text/seen-page.ts'
import { named, send, threadKey } from './graphql.ts'
import { readPage, readStrangersPage } from './page-reader.ts'
import type { ThreadAccess } from './read-ahead.ts'
import { bodyUpTo, faultIn } from './request-rules.ts'

/** One query has at most so many texts. GitHub gives up rendering after about 10 s, and takes 100 nodes. */
const maxAsked = 50
const maxAskedCharacters = 250_000
const maxBytes = 8_000_000
/** GitHub: "The Markdown text to render in HTML. Markdown content must be 400 KB or less." */
const maxRendered = 400_000

const pages = `query pages($owner: String!, $name: String!, $number: Int!, $thread: Boolean!, $ids: [ID!]!) {
  repository(owner: $owner, name: $name) @include(if: $thread) {
    issueOrPullRequest(number: $number) {
      ... on Issue { body bodyHTML }
      ... on PullRequest { body bodyHTML }
    }
  }
  nodes(ids: $ids) {
    ... on Issue { id body bodyHTML }
    ... on PullRequest { id body bodyHTML }
    ... on IssueComment { id body bodyHTML isMinimized }
    ... on PullRequestReview { id body bodyHTML isMinimized }
    ... on PullRequestReviewComment { id body bodyHTML isMinimized lastEditedAt }
  }
}`

const Rendered = z.object({
  body: z.string(),
  bodyHTML: z.string(),
  isMinimized: z.boolean().optional(),
  lastEditedAt: z.string().nullish(),
})
type Rendered = z.infer<typeof Rendered>

/** An error in a field that can't be null makes its parent null. */
const PagesResponse = z.object({
  repository: z.object({ issueOrPullRequest: Rendered.nullish().catch(undefined) }).nullish(),
  nodes: z.array(Rendered.extend({ id: z.string() }).nullable().catch(null)),
})

export function pagesOf({ app, client, thread, redact, now }: ThreadAccess): ThreadClient['pages'] {
  const webUrl = thread.url
  const normal = (text: string): string => text.replace(/\r\n?/g, '\n')

  async function pageOf(
    written: WrittenText,
    found: Rendered | undefined,
  ): Promise<SeenPage | undefined> {
    if (found?.isMinimized) return minimizedPage
    const { text, addresses, calls, asked } = written
    if (asked !== undefined && !found) return undefined
    if (asked !== undefined && Date.parse(found?.lastEditedAt ?? '') >= asked) return changedPage
    const read = written.byStranger ? readStrangersPage : readPage
    // The text must be as it was written: a change behind a redaction can't be seen. A text with a secret is rendered
    // anew.
    const isSame = found !== undefined && normal(found.body) === normal(text)
    // What is not rendered yet is empty.
    const isThere = isSame && (found.bodyHTML !== '' || text.trim() === '')
    const plain = isThere ? undefined : asWritten(text)
    if (plain) return plain
    const html = isThere ? found.bodyHTML : await rendered(text)
    return html === undefined
      ? undefined
      : read({ text, html: redact(html) }, { webUrl, addresses, calls })
  }

  async function rendered(text: string): Promise<string | undefined> {
    if (Buffer.byteLength(text) > maxRendered || !app.mayRender(threadKey(thread))) return undefined
    return unlessRefused(now, async () =>
      textFrom(
        await client.request('POST /markdown', {
          text,
          mode: 'gfm',
          context: `${thread.owner}/${thread.repo}`,
          request: { parseSuccessResponseBody: false },
        }),
      ),
    )
  }

  async function renderedBy(texts: readonly WrittenText[]): Promise<(Rendered | undefined)[]> {
    const ids = texts.flatMap(({ of }) => (of?.kind === 'node' ? of.id : []))
    const isThread = texts.some(({ of }) => of?.kind === 'thread')
    if (ids.length === 0 && !isThread) return texts.map(() => undefined)
    const found = await unlessRefused(now, async () => {
      const variables = { ...named(thread), thread: isThread, ids }
      return PagesResponse.safeParse((await send(client, pages, variables, maxBytes)).data).data
    })
    const byId = new Map(found?.nodes.flatMap(node => (node ? [[node.id, node]] : [])))
    return texts.map(({ of }) =>
      of?.kind === 'thread'
        ? (found?.repository?.issueOrPullRequest ?? undefined)
        : of && byId.get(of.id),
    )
  }

  return {
    /** The pages in the order of the texts. It is `undefined` for a text whose page can't be had. @throws RetryLater */
    async shown(texts) {
      const known = texts.map(written =>
        written.mayBeMinimized ? undefined : asWritten(written.text),
      )
      const unknown = texts.filter((_, at) => !known[at])
      const read: (SeenPage | undefined)[] = []
      for (const batch of batchesOf(unknown)) {
        const found = await renderedBy(batch)
        read.push(...(await Promise.all(batch.map((written, at) => pageOf(written, found[at])))))
      }
      return known.map(page => page ?? read.shift())
    },
  }
}

function batchesOf(texts: readonly WrittenText[]): WrittenText[][] {
  const batches: WrittenText[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const text of texts) {
    size += text.text.length
    const last = batches.at(-1)
    if (last && size <= maxAskedCharacters && last.length < maxAsked) last.push(text)
    else {
      batches.push([text])
      size = text.text.length
    }
  }
  return batches
}

/** A refusal, an outage or an answer that makes no sense is no page. @throws RetryLater */
async function unlessRefused<T>(now: () => number, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    const fault = faultIn(error, now())
    if (fault instanceof RetryLater) throw fault
    return undefined
  }
}

async function textFrom({ data }: { data: unknown }): Promise<string> {
  if (typeof data === 'string') return data
  if (!(data instanceof ReadableStream))
    throw new NoResponse('github', 'GitHub answered without a body')
  const bytes = await bodyUpTo(data, maxBytes)
  if (!bytes) throw new NoResponse('github', 'GitHub answered with more than is read')
  return bytes.toString('utf8')
}
