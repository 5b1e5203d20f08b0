/** A repository and its forks share their commits at GitHub: the head of a fork's pull request is read in both. emulate keeps them apart. */
import { type Answer, type ApiRequest, answer, type Route, repoRoute } from './http.ts'
import { isObject, type JsonObject, textAt } from './json.ts'
import type { Memory, PullMemory } from './memory.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  memory: Memory
  upstream: Upstream
  forward(request: ApiRequest): Promise<Answer>
}

/** The pull request from a fork whose head this is. */
const fromFork = ({ memory }: Parts, repository: string, sha: string): PullMemory | undefined =>
  [...memory.pulls].find(
    ([key, pull]) =>
      key.startsWith(`${repository}#`) && pull.headSha === sha && pull.headRepository !== repository,
  )?.[1]

/** What it changes, against the branch of that name in the fork: the commits they share are others in emulate. */
export async function filesOfFork(
  { upstream }: Pick<Parts, 'upstream'>,
  pull: JsonObject,
  { headRepository, headSha }: PullMemory,
): Promise<JsonObject | undefined> {
  return upstream.read(`/repos/${headRepository}/compare/${textAt(pull, 'base', 'ref')}...${headSha}`)
}

export function forkRoutes(parts: Parts): Route[] {
  const checkRuns: JsonObject[] = []
  const route = repoRoute(parts)
  const commit = '/commits/:sha{[0-9a-f]{40}}'
  return [
    route('GET', '/contents/:path{.+}', async (_, { query }, { owner, name, path }) => {
      const sha = query.get('ref') ?? ''
      const pull = fromFork(parts, `${owner}/${name}`, sha)
      const file =
        pull && (await parts.upstream.read(`/repos/${pull.headRepository}/contents/${path}?ref=${sha}`))
      return file && answer(200, file)
    }),
    route('POST', '/check-runs', async (_, request) => {
      const made = await parts.forward(request)
      if (isObject(made.body)) checkRuns.push(made.body)
      return made
    }),
    route('GET', `${commit}/check-runs`, async (_, { query }, { owner, name, sha = '' }) => {
      if (!fromFork(parts, `${owner}/${name}`, sha)) return undefined
      const wanted = query.get('check_name')
      const found = checkRuns.filter(
        run => textAt(run, 'head_sha') === sha && (wanted === null || textAt(run, 'name') === wanted),
      )
      return answer(200, { total_count: found.length, check_runs: found })
    }),
  ]
}
