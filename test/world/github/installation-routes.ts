/** What an installation token may see, for which emulate has no route. */

import { answer, failure, type Route } from './http.ts'
import type { Memory } from './memory.ts'
import type { Upstream } from './upstream.ts'

export function installationRoutes({ memory, upstream }: { memory: Memory; upstream: Upstream }): Route[] {
  return [
    {
      method: 'GET',
      path: /^\/installation\/repositories$/,
      handle: async ({ actor, query }) => {
        if (actor.kind !== 'bot') return failure(401, 'Requires authentication')
        const known = memory.repositoriesOf(actor.owner)
        const perPage = Number(query.get('per_page') ?? 30)
        const start = (Number(query.get('page') ?? 1) - 1) * perPage
        const shown = known.slice(start, start + perPage)
        const repositories = await Promise.all(
          shown.map(({ fullName }) => upstream.read(`/repos/${fullName}`)),
        )
        return answer(200, { total_count: known.length, repository_selection: 'all', repositories })
      },
    },
  ]
}
