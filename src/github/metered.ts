import { type CallMeter, routeOf } from '../core/model/meter.ts'

/** Path segments kept in the `route` label. */
const words = new Set(
  (
    'access_tokens app assignees attempts branches check-runs collaborators comments commits compare contents ' +
    'deliveries files git graphql hook installations issues labels markdown members memberships orgs permission pulls reactions ref refs replies ' +
    'repos repositories requested_reviewers reviews teams user users'
  ).split(' '),
)

interface HttpResponse {
  status: number
  headers: object
}

interface Sending<T extends HttpResponse> {
  send(): T | Promise<T>
  failed(error: unknown): HttpResponse | undefined
}

interface To {
  meter: CallMeter | undefined
  whose: string
}

export async function metered<T extends HttpResponse>(
  to: To,
  { method, url }: { method: string; url: string },
  { send, failed }: Sending<T>,
): Promise<T> {
  const began = performance.now()
  const tell = (response: HttpResponse | undefined): void => {
    const route = routeOf(url, words)
    to.meter?.called({
      service: 'github',
      method,
      route,
      status: response?.status,
      ms: performance.now() - began,
    })
    tellBudget(to, { ...response?.headers })
  }
  try {
    const response = await send()
    tell(response)
    return response
  } catch (error) {
    tell(failed(error))
    throw error
  }
}

/** Source: GitHub REST, "Checking the status of your rate limit". */
function tellBudget({ meter, whose }: To, headers: Record<string, unknown>): void {
  const left = Number(headers['x-ratelimit-remaining'] ?? Number.NaN)
  const reset = Number(headers['x-ratelimit-reset'] ?? Number.NaN)
  const resource = String(headers['x-ratelimit-resource'] ?? 'core')
  if (Number.isFinite(left + reset)) meter?.budget({ whose, resource, left, resetAt: reset * 1000 })
}
