import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { RetryLater } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type { CommentRef } from '../core/model/trigger.ts'
import type { Attachment, AttachmentFile } from '../core/text/attachment.ts'
import { signedAddresses } from '../core/text/attachment-address.ts'
import { downloadAttachment } from './attachment-files.ts'

export interface ThreadAccess {
  client: Octokit
  thread: Thread
  commentRef?: CommentRef | undefined
  token(): Promise<string>
  now(): number
}

export function attachmentReader(access: ThreadAccess): (attachment: Attachment) => Promise<AttachmentFile> {
  let signed: Promise<Map<string, string>> | undefined
  const { thread, token, now } = access
  return attachment =>
    downloadAttachment(
      {
        webUrl: thread.url,
        token,
        now,
        signed() {
          signed ??= signedIn(access)
          return signed
        },
      },
      attachment,
    )
}

/** @throws RetryLater; other failures give none */
async function signedIn(access: ThreadAccess): Promise<Map<string, string>> {
  const texts = await Promise.all(
    textsOf(access).map(text =>
      text.catch((error: unknown) => {
        if (error instanceof RetryLater) throw error
        return undefined
      }),
    ),
  )
  return new Map(texts.flatMap(htmlsIn).flatMap(signedAddresses))
}

const WithHtml = z.object({ body_html: z.string() })

const htmlsIn = (text: unknown): string[] =>
  (Array.isArray(text) ? text : [text]).flatMap(one => WithHtml.safeParse(one).data?.body_html ?? [])

function textsOf({ client, thread, commentRef }: ThreadAccess): Promise<unknown>[] {
  const at = { owner: thread.owner, repo: thread.repo, mediaType: { format: 'full+json' } }
  const issue = client.rest.issues.get({ ...at, issue_number: thread.number })
  return [issue, ...commandTexts(client, at, thread.number, commentRef)].map(
    async response => (await response).data,
  )
}

interface At {
  owner: string
  repo: string
  mediaType: { format: string }
}

function commandTexts(
  { rest }: Octokit,
  at: At,
  number: number,
  commentRef: CommentRef | undefined,
): Promise<{ data: unknown }>[] {
  switch (commentRef?.kind) {
    case 'thread':
      return [rest.issues.getComment({ ...at, comment_id: commentRef.commentId })]
    case 'inline':
      return [rest.pulls.getReviewComment({ ...at, comment_id: commentRef.commentId })]
    case 'review': {
      const review = { ...at, pull_number: number, review_id: commentRef.reviewId }
      return [rest.pulls.getReview(review), rest.pulls.listCommentsForReview({ ...review, per_page: 100 })]
    }
    default:
      return []
  }
}
