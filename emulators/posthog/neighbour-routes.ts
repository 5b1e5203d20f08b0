import type { GithubIntegration } from './options.ts'
import { page } from './present.ts'
import { notFound, ok, type Reply } from './reply.ts'
import { type ApiRequest, type Route, route } from './route.ts'

export const neighbourRoutes: Route[] = [
  route('sandbox-environments', ['GET', 'sandbox_environments'], 'task:read', sandboxEnvironments),
  route('integrations', ['GET', 'integrations'], 'integration:read', listIntegrations),
  route(
    'github-repos',
    ['GET', 'integrations/:integration/github_repos'],
    'integration:read',
    githubRepos,
  ),
]

function sandboxEnvironments(request: ApiRequest): Reply {
  return ok(page(request, request.world.settings.sandboxEnvironments, environment => environment))
}

function listIntegrations(request: ApiRequest): Reply {
  const kind = request.query.get('kind')
  const { githubIntegrations } = request.world.settings
  const shown = kind === null || kind === 'github' ? githubIntegrations : []
  return ok(page(request, shown, ({ id }) => ({ id, kind: 'github', display_name: 'GitHub' })))
}

function integrationOf(request: ApiRequest): GithubIntegration {
  const wanted = request.params.integration
  const found = request.world.settings.githubIntegrations.find(({ id }) => String(id) === wanted)
  if (!found) throw notFound()
  return found
}

/** Without a given list every repository is covered. */
const coveredRepositories = (
  { world }: ApiRequest,
  { repositories }: GithubIntegration,
): string[] => (repositories ?? world.settings.hands.repositories()).toSorted()

function githubRepos(request: ApiRequest): Reply {
  const integration = integrationOf(request)
  const search = (request.query.get('search') ?? '').toLowerCase()
  const limit = Number(request.query.get('limit') ?? 100)
  const offset = Number(request.query.get('offset') ?? 0)
  const found = coveredRepositories(request, integration).filter(name => name.includes(search))
  const repositories = found.slice(offset, offset + limit).map((full_name, index) => ({
    id: offset + index + 1,
    name: full_name.split('/')[1],
    full_name,
  }))
  return ok({ repositories, has_more: offset + limit < found.length })
}
