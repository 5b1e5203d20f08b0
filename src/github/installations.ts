/** Where the App is installed, and what is found there. */
import { z } from 'zod'
import { Rejected } from '../core/model/errors.ts'
import type { Repository, Thread } from '../core/model/thread.ts'
import type { SubjectView, ThreadComment } from '../core/model/views.ts'
import type { GitHubApp } from './app-client.ts'
import { repositoryOf, snapshotOf } from './webhooks/event.ts'

/** An account has a number, by which `SETTINGS_FILE` names an owner. */
export const Account = z.object({ login: z.string(), id: z.number() })
export const accountName = (account: z.infer<typeof Account> | null | undefined): string =>
  account ? `${account.login} (${account.id})` : 'unknown'

const Installation = z.object({
  id: z.number(),
  account: Account.nullish(),
  suspended_at: z.string().nullish(),
  permissions: z.record(z.string(), z.string()).default({}),
})

const perPage = 100

export async function allInstallations(app: GitHubApp): Promise<z.infer<typeof Installation>[]> {
  const all: z.infer<typeof Installation>[] = []
  for (let page = 1; ; page++) {
    const { data } = await app.asApp('GET /app/installations', { per_page: perPage, page })
    const listed = z.array(Installation).parse(data)
    all.push(...listed)
    if (listed.length < perPage) return all
  }
}

export function installationsOf(app: GitHubApp, redact: (text: string) => string) {
  const installations = async () =>
    (await allInstallations(app)).filter(({ suspended_at }) => !suspended_at).map(({ id }) => id)

  async function repositoriesOf(installationId: number): Promise<Repository[]> {
    const client = app.forInstallation(installationId)
    const query = { per_page: perPage }
    const listed = await client.paginate(client.rest.apps.listReposAccessibleToInstallation, query)
    return listed
      .filter(({ archived }) => !archived)
      .map(each => repositoryOf(installationId, each))
  }

  return {
    installations,
    repositoriesOf,

    async repositories(): Promise<Repository[]> {
      const found: Repository[] = []
      for (const id of await installations()) found.push(...(await repositoriesOf(id)))
      return found
    },

    /**
     * Whether the installation covers the repository, and it is not archived. A former name will do.
     * @throws RetryLater | NoResponse
     */
    async mayWorkIn(repository: Repository) {
      const { owner, repo, repoId } = repository
      try {
        // An old token may still read public repositories.
        await app.confirmAccess(repository)
        const { data } = await app.forRepo(repository).rest.repos.get({ owner, repo })
        return data.id === repoId && !data.archived
      } catch (error) {
        if (error instanceof Rejected) return false
        throw error
      }
    },

    async ownComments(repository: Repository, since: number): Promise<ThreadComment[]> {
      const { owner, repo } = repository
      const client = app.forRepo(repository)
      const query = { owner, repo, per_page: perPage, since: new Date(since).toISOString() }
      const [login, comments] = await Promise.all([
        app.botLogin(),
        client.paginate(client.rest.issues.listCommentsForRepo, query),
      ])
      return comments
        .filter(({ user }) => user?.login === login)
        .map(({ id, body, created_at, updated_at, issue_url }) => ({
          id,
          body: body ?? '',
          createdAt: Date.parse(created_at),
          changedAt: Date.parse(updated_at),
          number: Number(/\/(\d+)$/.exec(issue_url)?.[1]),
        }))
    },

    async subject(repository: Repository, number: number): Promise<SubjectView> {
      const { owner, repo } = repository
      const client = app.forRepo(repository)
      const { data } = await client.rest.issues.get({ owner, repo, issue_number: number })
      const kind: Thread['kind'] = data.pull_request ? 'pull' : 'issue'
      const snapshot = snapshotOf({ ...data, body: data.body ?? '' })
      return {
        thread: { ...repository, number, kind, url: data.html_url },
        snapshot: { ...snapshot, title: redact(snapshot.title), body: redact(snapshot.body) },
      }
    },
  }
}
