/** What an installation token may see, for which emulate has no route. */

import { type Answer, type ApiRequest, answer, failure, type Route } from './http.ts'
import type { Installations } from './installations.ts'
import type { Memory } from './memory.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  memory: Memory
  upstream: Upstream
  installations: Installations
  forward(request: ApiRequest): Promise<Answer>
}

export function installationRoutes({ memory, upstream, installations, forward }: Parts): Route[] {
  return [
    {
      method: 'GET',
      path: '/app/installations',
      handle: async request => {
        const listed = await forward(request)
        return { ...listed, body: installations.shown(listed.body) }
      },
    },
    {
      method: 'GET',
      path: '/installation/repositories',
      handle: async ({ actor, query }) => {
        if (actor.kind !== 'bot') return failure(401, 'Requires authentication')
        const known = memory.repositoriesOf(actor.owner).filter(one => installations.includes(one.fullName))
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
