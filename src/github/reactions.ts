/** Reactions. REST has none on reviews, and removes one only by id. */
import type { Octokit } from '@octokit/rest'
import type { Reaction, Target } from '../core/model/views.ts'
import { graphQlName } from './settle-thread.ts'

type At = { owner: string; repo: string }
type IssueAt = At & { issue_number: number }

export async function addReaction(
  client: Octokit,
  at: At,
  issue: IssueAt,
  target: Target,
  content: Reaction,
): Promise<void> {
  switch (target.kind) {
    case 'subject':
      await client.rest.reactions.createForIssue({ ...issue, content })
      return
    case 'thread':
      await client.rest.reactions.createForIssueComment({ ...at, comment_id: target.commentId, content })
      return
    case 'inline':
      await client.rest.reactions.createForPullRequestReviewComment({
        ...at,
        comment_id: target.commentId,
        content,
      })
      return
    case 'review':
      await client.graphql(addReactionMutation, { subject: target.nodeId, content: graphQlName[content] })
  }
}

const addReactionMutation = `mutation addReaction($subject: ID!, $content: ReactionContent!) {
  addReaction(input: { subjectId: $subject, content: $content }) { reaction { content } }
}`
const removeReactionMutation = `mutation removeReaction($subject: ID!, $content: ReactionContent!) {
  removeReaction(input: { subjectId: $subject, content: $content }) { reaction { content } }
}`

interface Mine {
  content: Reaction
  login: string
}

export async function removeReaction(
  client: Octokit,
  at: At,
  issue: IssueAt,
  target: Target,
  mine: Mine,
): Promise<void> {
  const { content } = mine
  if (target.kind === 'review') {
    await client.graphql(removeReactionMutation, { subject: target.nodeId, content: graphQlName[content] })
    return
  }
  if (target.kind === 'subject') {
    const { data } = await client.rest.reactions.listForIssue({ ...issue, content, per_page: 100 })
    const id = ownReaction(data, mine.login)
    if (id !== undefined) await client.rest.reactions.deleteForIssue({ ...issue, reaction_id: id })
    return
  }
  const comment = { ...at, comment_id: target.commentId }
  if (target.kind === 'thread') {
    const { data } = await client.rest.reactions.listForIssueComment({ ...comment, content, per_page: 100 })
    const id = ownReaction(data, mine.login)
    if (id !== undefined) await client.rest.reactions.deleteForIssueComment({ ...comment, reaction_id: id })
    return
  }
  const { data } = await client.rest.reactions.listForPullRequestReviewComment({
    ...comment,
    content,
    per_page: 100,
  })
  const id = ownReaction(data, mine.login)
  if (id !== undefined)
    await client.rest.reactions.deleteForPullRequestComment({ ...comment, reaction_id: id })
}

const ownReaction = (
  reactions: { id: number; user: { login: string } | null }[],
  login: string,
): number | undefined => reactions.find(({ user }) => user?.login === login)?.id
