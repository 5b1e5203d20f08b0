/** `/app/hook/*`, for which emulate has nothing: what an App needs to find and repeat lost deliveries. */

import type { Delivery, Webhooks } from './deliveries.ts'
import { type Answer, type ApiRequest, answer, failure, notFound, type Route } from './http.ts'
import { type JsonObject, parseJson } from './json.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  webhooks: Webhooks
  upstream: Upstream
  url: string
}

function summary(delivery: Delivery): JsonObject {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.redelivery,
    duration: delivery.duration,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  }
}

function full(delivery: Delivery, url: string): JsonObject {
  const request = { headers: delivery.request.headers, payload: parseJson(delivery.bytes) }
  return { ...summary(delivery), url, request, response: delivery.response }
}

/** The cursor is the id of the last delivery shown. */
function page({ webhooks, url }: Parts, { query, path }: ApiRequest): Answer {
  const perPage = Math.min(Number(query.get('per_page') ?? 30), 100)
  const before = Number(query.get('cursor')?.replace('v1_', '') ?? Number.POSITIVE_INFINITY)
  const status = query.get('status')
  const older = webhooks.deliveries
    .filter(({ id }) => id < before)
    .filter(delivery => !status || (status === 'success') === (delivery.status === 'OK'))
    .toReversed()
  const shown = older.slice(0, perPage)
  const last = shown.at(-1)
  const next = new URLSearchParams({
    per_page: String(perPage),
    cursor: `v1_${last?.id}`,
    ...(status && { status }),
  })
  const link = `<${url}${path}?${next}>; rel="next"`
  return answer(200, shown.map(summary), last && older.length > perPage ? { link } : {})
}

export function deliveryRoutes(parts: Parts): Route[] {
  const { webhooks, upstream } = parts
  const find = (id: string | undefined) => webhooks.deliveries.find(delivery => delivery.id === Number(id))

  async function asApp(request: ApiRequest, work: () => Answer): Promise<Answer> {
    const { authorization } = request.headers
    const { status } = await upstream.send({ method: 'GET', path: '/app', authorization })
    return status === 200 ? work() : failure(401, 'A JSON web token could not be decoded')
  }

  return [
    {
      method: 'GET',
      path: '/app/hook/config',
      handle: request =>
        asApp(request, () =>
          answer(200, {
            content_type: 'json',
            insecure_ssl: '0',
            secret: '********',
            url: webhooks.target ?? '',
          }),
        ),
    },
    {
      method: 'GET',
      path: '/app/hook/deliveries',
      handle: request => asApp(request, () => page(parts, request)),
    },
    {
      method: 'GET',
      path: '/app/hook/deliveries/:id{[0-9]+}',
      handle: (request, { id }) =>
        asApp(request, () => {
          const found = find(id)
          return found ? answer(200, full(found, webhooks.target ?? '')) : notFound()
        }),
    },
    {
      method: 'POST',
      path: '/app/hook/deliveries/:id{[0-9]+}/attempts',
      handle: (request, { id }) =>
        asApp(request, () => (webhooks.redeliver(Number(id)) ? answer(202, {}) : notFound())),
    },
  ]
}
