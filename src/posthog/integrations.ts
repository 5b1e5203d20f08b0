/**
 * The GitHub integrations of a project: one for each organization that PostHog's own App is installed in. A task that
 * names none is given the first one's token, whichever repository it is for.
 */
import { z } from 'zod'
import { Rejected } from '../core/model/errors.ts'
import { cachedFor, minute } from '../core/model/time.ts'
import type { Get } from './posthog-http.ts'
import { upTo } from './schemas.ts'

const name = z.string().max(300)
const Integrations = z.object({
  results: upTo(1_000, z.object({ id: z.union([z.number(), name]) })),
})
const Repositories = z.object({
  repositories: upTo(100_000, z.union([name, z.object({ full_name: name.optional(), name })])),
  has_more: z.boolean().nullish(),
})

const integrationsMs = 5_000
const integrationsPerPage = 500
const maxIntegrationPages = 20

/** @throws Rejected | RetryLater | NoResponse; Rejected also where the key lacks the scope `integration:read` */
export async function githubIntegrations(get: Get): Promise<string[]> {
  const query = { kind: 'github', limit: '100' }
  const { results } = await get('integrations/', Integrations, { query, within: integrationsMs })
  return results.map(({ id }) => String(id))
}

/**
 * Full names in lower case.
 * @param search older servers do not know it, and list all
 * @throws as `githubIntegrations`
 */
export async function repositoriesOf(
  get: Get,
  integration: string,
  search?: string,
): Promise<string[]> {
  const names: string[] = []
  for (let page = 0; page < maxIntegrationPages; page++) {
    const range = { limit: String(integrationsPerPage), offset: String(page * integrationsPerPage) }
    const query = search === undefined ? range : { ...range, search }
    const path = `integrations/${encodeURIComponent(integration)}/github_repos/`
    const { repositories, has_more } = await get(path, Repositories, {
      query,
      within: integrationsMs,
    })
    for (const each of repositories)
      names.push((typeof each === 'string' ? each : (each.full_name ?? each.name)).toLowerCase())
    if (!has_more) break
  }
  return names
}

export const notCovered = 'repository_not_covered'

/**
 * The integration that covers a repository, `owner/name`. The only one is taken as it is: whether it covers the
 * repository, PostHog says when the task names it.
 * @returns of a name the id, `undefined` without any integration
 * @throws Rejected if none of several covers it; else as `githubIntegrations`
 */
export function integrationFinder(get: Get, now: () => number) {
  const all = cachedFor(10 * minute, now, () =>
    githubIntegrations(get).catch(error => {
      // A key without `integration:read` leaves it to PostHog. Any other refusal proves nothing.
      if (error instanceof Rejected && error.status === 403 && /scope/i.test(error.message))
        return []
      throw error
    }),
  )
  const covering = cachedFor(10 * minute, now, async repository => {
    const name = repository.slice(repository.indexOf('/') + 1)
    const integrations = await all.get('')
    const lists = await Promise.allSettled(integrations.map(id => repositoriesOf(get, id, name)))
    const covers = (list: (typeof lists)[number] | undefined) =>
      list?.status === 'fulfilled' && list.value.includes(repository.toLowerCase())
    const found = integrations.find((_, at) => covers(lists[at]))
    if (found !== undefined) return found
    for (const list of lists) if (list.status === 'rejected') throw list.reason
    const message = `no GitHub integration of the project covers ${repository}`
    throw new Rejected('posthog', 400, notCovered, message)
  })
  return {
    async find(repository: string) {
      const integrations = await all.get('')
      return integrations.length > 1 ? covering.get(repository) : integrations[0]
    },
    forget() {
      all.clear()
      covering.clear()
    },
  }
}
