/** The fields that we use of GitHub's webhooks. */
import { z } from 'zod'

/** Names are used in our sentences, so only GitHub's own format is let in. */
const name = z.string().regex(/^[\w.-]{1,100}$/)
const login = z.string().regex(/^[\w.-]{1,100}(?:\[bot\])?$/)

const User = z.object({ login, id: z.number().int(), type: z.string().optional() })

const author = User.nullish()
const body = z
  .string()
  .nullish()
  .transform(text => text ?? '')

const page = z.url({ protocol: /^https?$/ })

const Repository = z.object({
  id: z.number().int(),
  name,
  owner: z.object({ login, id: z.number().int() }),
  default_branch: z.string().default('main'),
  html_url: z.string().optional(),
})

const Head = z.object({
  ref: z.string(),
  sha: z.string(),
  repo: z.object({ id: z.number().int() }).nullish(),
})

/** It counts the open ones. Some servers lack it, and pull requests never have it. */
const blockers = z.object({ blocked_by: z.number().int() }).nullish().catch(undefined)

const written = { body, user: author, author_association: z.string().optional().catch(undefined) }

const subject = {
  ...written,
  number: z.number().int().positive(),
  title: z.string(),
  html_url: page,
  state: z.string().optional(),
  created_at: z.string().optional(),
  updated_at: z.string().optional(),
  closed_at: z.string().nullish(),
  issue_dependencies_summary: blockers,
}

const PullRequest = z.object({
  ...subject,
  merged: z.boolean().nullish(),
  head: Head,
  base: z.object({ ref: z.string() }),
})
export type PullRequestPayload = z.infer<typeof PullRequest>

const Issue = z.object({ ...subject, pull_request: z.unknown().optional() })
export type IssuePayload = z.infer<typeof Issue>

const installation = z.object({ id: z.number().int().positive() }).nullish()

export const base = {
  action: z.string(),
  installation,
  repository: Repository,
  sender: User,
}
export type BasePayload = z.infer<z.ZodObject<typeof base>>

const Changes = z
  .object({
    body: z.object({ from: z.string().nullish() }).optional(),
    base: z.unknown().optional(),
    /** An issue that was transferred here has it. */
    old_issue: z.unknown().optional(),
  })
  .nullish()

const Comment = z.object({
  ...written,
  id: z.number().int(),
  node_id: z.string().optional(),
  created_at: z.string(),
  updated_at: z.string().optional(),
})

export const IssueComment = z.object({ ...base, comment: Comment, issue: Issue, changes: Changes })
const happened = {
  ...base,
  label: z.object({ name: z.string() }).nullish(),
  changes: Changes.catch(undefined),
}
export const IssueEvent = z.object({ ...happened, issue: Issue })
export const PullEvent = z.object({ ...happened, pull_request: PullRequest })
export const ReviewEvent = z.object({
  ...base,
  review: z.object({
    ...written,
    id: z.number().int(),
    node_id: z.string(),
    submitted_at: z.string().nullish(),
    updated_at: z.string().nullish(),
  }),
  pull_request: PullRequest,
  changes: Changes,
})
export const ReviewCommentEvent = z.object({
  ...base,
  comment: Comment.extend({
    path: z.string(),
    line: z.number().int().nullish(),
    diff_hunk: z.string().nullish(),
    pull_request_review_id: z.number().int().nullish(),
    in_reply_to_id: z.number().int().nullish(),
  }),
  pull_request: PullRequest,
  changes: Changes,
})

export const CheckSuiteEvent = z.object({
  ...base,
  check_suite: z.object({ head_branch: z.string().nullish() }),
})
export const MergeGroupEvent = z.object({
  ...base,
  merge_group: z.object({ head_sha: z.string(), head_ref: z.string(), base_ref: z.string() }),
})
/** It has no action. */
export const StatusEvent = z.object({
  ...base,
  action: z.string().default(''),
  state: z.string(),
  branches: z.array(z.object({ name: z.string() })).max(100),
})
export const ReviewThreadEvent = z.object({ ...base, pull_request: PullRequest })

/** Where the bot may not work any more may be nobody who says so. */
const access = { action: z.string(), installation, sender: author }
export type AccessPayload = z.infer<z.ZodObject<typeof access>>

/** A repository that is gone may have little else. */
const numbered = z.object({ id: z.number().int() })

export const InstallationEvent = z.object(access)
export const InstallationRepositoriesEvent = z.object({
  ...access,
  repositories_removed: z.array(numbered).nullish(),
})
export const RepositoryEvent = z.object({ ...access, repository: numbered })
