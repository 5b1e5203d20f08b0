import { z } from 'zod'
import type { Repository, Thread } from '../core/model/thread.ts'
import type { SubjectView, ThreadComment } from '../core/model/views.ts'
import type { GitHubApp } from './app-client.ts'

const InstallationPage = z.array(z.object({ id: z.number(), suspended_at: z.string().nullish() }))

const perPage = 100

export function installationsOf(app: GitHubApp, redact: (text: string) => string) {
  async function installations(): Promise<number[]> {
    const ids: number[] = []
    for (let page = 1; ; page++) {
      const { data } = await app.asApp('GET /app/installations', { per_page: perPage, page })
      const listed = InstallationPage.parse(data)
      ids.push(...listed.filter(({ suspended_at }) => !suspended_at).map(({ id }) => id))
      if (listed.length < perPage) return ids
    }
  }

  async function repositoriesOf(installationId: number): Promise<Repository[]> {
    const client = app.forInstallation(installationId)
    const query = { per_page: perPage }
    const listed = await client.paginate(client.rest.apps.listReposAccessibleToInstallation, query)
    return listed
      .filter(({ archived }) => !archived)
      .map(({ id, name, owner, default_branch }) => ({
        installationId,
        owner: owner.login,
        ownerId: owner.id,
        repo: name,
        repoId: id,
        defaultBranch: default_branch,
      }))
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
     * Whether the installation covers the repository, and it is not archived.
     * @throws Rejected | RetryLater | NoResponse
     */
    async mayWorkIn(
      repository: Pick<Repository, 'installationId' | 'owner' | 'repo' | 'repoId'>,
    ): Promise<boolean> {
      const { owner, repo, repoId } = repository
      // An old token may still read public repositories.
      await app.confirmAccess(repository)
      const { data } = await app.forRepo(repository).rest.repos.get({ owner, repo })
      return data.id === repoId && !data.archived
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
      return {
        thread: { ...repository, number, kind, url: data.html_url },
        snapshot: {
          title: redact(data.title),
          body: redact(data.body ?? ''),
          author: data.user?.login ?? 'ghost',
          open: data.state === 'open',
          blockers: data.issue_dependencies_summary?.blocked_by,
        },
      }
    },
  }
}
