/** Check runs: emulate takes whatever they say, and knows no commits of forks. */

import { type Answer, type ApiRequest, answer, failure } from './http.ts'
import { isObject, listAt, numberAt, textAt } from './json.ts'
import type { At, Layer, Rule } from './layer.ts'
import { fromFork } from './pull-rules.ts'

export const checkRules: Rule[] = [
  ['POST', '/check-runs', make],
  ['PATCH', '/check-runs/:id{[0-9]+}', change],
  ['GET', '/commits/:sha{[0-9a-f]{40}}/check-runs', list],
]

const maxText = 65_535

/** Source: GitHub REST, "Create a check run". */
function refuseTooMuch({ body }: ApiRequest): Answer | undefined {
  for (const field of ['summary', 'text']) {
    const { length } = textAt(body, 'output', field)
    if (length > maxText)
      return failure(422, `Only ${maxText} characters are allowed; ${length} were supplied.`)
  }
  if (listAt(body, 'output', 'annotations').length > 50)
    return failure(422, 'Invalid request: annotations')
  return listAt(body, 'actions').length > 3 ? failure(422, 'Invalid request: actions') : undefined
}

async function make(layer: Layer, request: ApiRequest, { repository }: At): Promise<Answer> {
  const sha = textAt(request.body, 'head_sha')
  const isKnown =
    fromFork(layer, repository, sha) ??
    (await layer.upstream.read(`/repos/${repository}/git/commits/${sha}`))
  if (!isKnown) return failure(422, `No commit found for SHA: ${sha}`)
  return refuseTooMuch(request) ?? remembering(layer, request)
}

/** That one which was completed goes on is nowhere documented: what takes it back is a new one. */
async function change(layer: Layer, request: ApiRequest): Promise<Answer> {
  const before = await layer.upstream.read(request.path)
  const status = textAt(request.body, 'status')
  if (before?.status === 'completed' && status !== '' && status !== 'completed')
    return failure(422, 'Invalid request: a completed check run goes on')
  return refuseTooMuch(request) ?? remembering(layer, request)
}

async function remembering(
  { forward, memory, installations }: Layer,
  request: ApiRequest,
): Promise<Answer> {
  const done = await forward(request)
  if (done.status >= 300 || !isObject(done.body)) return done
  const body = { ...done.body, app: { id: installations.appId } }
  memory.checkRuns.set(numberAt(body, 'id'), body)
  return { ...done, body }
}

/** Only of the App that is asked for: others may have some of that name. */
async function list(layer: Layer, { query }: ApiRequest, { repository, sha = '' }: At) {
  const app = query.get('app_id')
  if (app === null && !fromFork(layer, repository, sha)) return undefined
  const found = checkRunsOf(layer, sha, query.get('check_name')).filter(
    run => app === null || numberAt(run, 'app', 'id') === Number(app),
  )
  return answer(200, { total_count: found.length, check_runs: found })
}

/** The newest of each App and name. */
export const checkRunsOf = (
  { memory }: Pick<Layer, 'memory'>,
  sha: string,
  name?: string | null,
) => {
  const found = [...memory.checkRuns.values()].filter(run => textAt(run, 'head_sha') === sha)
  const latest = new Map(
    found.map(run => [`${numberAt(run, 'app', 'id')} ${textAt(run, 'name')}`, run]),
  )
  return [...latest.values()].filter(
    run => name === undefined || name === null || textAt(run, 'name') === name,
  )
}
