import type { GithubIntegration } from './options.ts'
import { page, presentMe } from './present.ts'
import { notFound, ok, type Reply } from './reply.ts'
import type { ApiRequest, Route } from './route.ts'

const integrations = (path = ''): string[] => [
  `integrations${path}`,
  `/api/environments/:project/integrations${path}`,
]

export const neighbourRoutes: Route[] = [
  {
    name: 'sandbox-environments',
    method: 'GET',
    path: 'sandbox_environments',
    scope: 'task:read',
    handle: sandboxEnvironments,
  },
  { name: 'me', method: 'GET', path: '/api/users/@me', scope: 'user:read', handle: me },
  ...integrations().map(
    (path): Route => ({
      name: 'integrations',
      method: 'GET',
      path,
      scope: 'integration:read',
      handle: listIntegrations,
    }),
  ),
  ...integrations('/:integration/github_repos').map(
    (path): Route => ({
      name: 'github-repos',
      method: 'GET',
      path,
      scope: 'integration:read',
      handle: githubRepos,
    }),
  ),
  ...integrations('/:integration/github_branches').map(
    (path): Route => ({
      name: 'github-branches',
      method: 'GET',
      path,
      scope: 'integration:read',
      handle: githubBranches,
    }),
  ),
]

function me({ caller, world }: ApiRequest): Reply {
  return ok(presentMe(caller, world.settings.projectId))
}

function sandboxEnvironments(request: ApiRequest): Reply {
  const now = new Date().toISOString()
  return ok(
    page(request, request.world.settings.sandboxEnvironments, ({ id, name }) => ({
      id,
      name,
      network_access_level: 'full',
      allowed_domains: [],
      repositories: [],
      private: false,
      internal: false,
      created_by: null,
      created_at: now,
      updated_at: now,
    })),
  )
}

function listIntegrations(request: ApiRequest): Reply {
  const kind = request.query.get('kind')
  const { githubIntegrations } = request.world.settings
  const shown = kind === null || kind === 'github' ? githubIntegrations : []
  return ok(
    page(request, shown, ({ id }) => ({
      id,
      kind: 'github',
      display_name: 'GitHub',
      errors: '',
      config: {},
    })),
  )
}

function integrationOf(request: ApiRequest): GithubIntegration {
  const wanted = request.param('integration')
  const found = request.world.settings.githubIntegrations.find(({ id }) => String(id) === wanted)
  if (!found) throw notFound()
  return found
}

/** Without a given list every repository is covered; then those of the tasks are all we know by name. */
function coveredRepositories({ world }: ApiRequest, { repositories }: GithubIntegration): string[] {
  const known = repositories ?? world.tasks.flatMap(task => task.repositories)
  return [...new Set(known)].sort()
}

function githubRepos(request: ApiRequest): Reply {
  const integration = integrationOf(request)
  const search = (request.query.get('search') ?? '').toLowerCase()
  const limit = Number(request.query.get('limit') ?? 100)
  const offset = Number(request.query.get('offset') ?? 0)
  const found = coveredRepositories(request, integration).filter(name => name.includes(search))
  const repositories = found
    .slice(offset, offset + limit)
    .map((full_name, index) => ({ id: offset + index + 1, name: full_name.split('/')[1], full_name }))
  return ok({ repositories, has_more: offset + limit < found.length })
}

async function githubBranches(request: ApiRequest): Promise<Reply> {
  integrationOf(request)
  const { world, query } = request
  const repository = (query.get('repo') ?? '').toLowerCase()
  const { hands } = world.settings
  const main = await hands.defaultBranch(repository)
  const used = world.runs
    .filter(({ task }) => task.repository === repository)
    .flatMap(({ branch }) => branch ?? [])
  const branches = new Set([main])
  for (const branch of used) if (await hands.branchExists(repository, branch)) branches.add(branch)
  return ok({ branches: [...branches], default_branch: main, has_more: false })
}
