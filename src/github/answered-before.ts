/** Whether a comment, issue or pull request shows that we answered it: our reaction at an end stays on it. */
import { z } from 'zod'
import type { GitHubApp } from './app-client.ts'
import { unlessGone } from './request-rules.ts'
import type { Delivery } from './webhooks/event.ts'

const Texts = z.object({
  action: z.enum(['created', 'opened']),
  // Bots ask for nothing.
  sender: z.object({
    type: z
      .string()
      .refine(type => type !== 'Bot')
      .optional(),
  }),
  installation: z.object({ id: z.number().int() }),
  repository: z.object({
    id: z.number().int(),
    name: z.string(),
    owner: z.object({ login: z.string() }),
  }),
  comment: z.object({ id: z.number().int() }).optional(),
  issue: z.object({ number: z.number().int() }).optional(),
  pull_request: z.object({ number: z.number().int() }).optional(),
})

const Reactions = z.array(
  z.object({ content: z.string(), user: z.object({ login: z.string() }).nullish().catch(undefined) }),
)

/** While we are at it, there are eyes. */
const underWay = 'eyes'

export const answeredBefore =
  (app: GitHubApp) =>
  async ({ event, payload }: Delivery): Promise<boolean> => {
    const { data: texts } = Texts.safeParse(payload)
    if (!texts) return false
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
