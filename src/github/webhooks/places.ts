/**
 * Where each repository was when a webhook came from it last. One that names another place is news, also if it says
 * nothing else that is used: then it is a hint that the App may work there.
 */
import { z } from 'zod'
import type { AccessBackTrigger } from '../../core/model/trigger.ts'
import { NewestMap } from '../../core/text/newest-map.ts'
import type { Delivery } from './event.ts'
import { named, ShortRepository } from './payloads.ts'

const Placed = z.object({
  installation: z.object({ id: z.number().int().positive() }),
  repository: ShortRepository,
  sender: z.object({ login: z.string(), id: z.number().int() }),
})

export interface Places {
  /** By the bytes of a webhook. In a text its quotes would be escaped. */
  isKnown(body: string): boolean
  /** What a webhook of which nothing is used says all the same, once. */
  newsIn(delivery: Delivery): AccessBackTrigger | undefined
  /** It could not be told. */
  forget(news: AccessBackTrigger): void
}

export function placesSeen(): Places {
  const seen = new NewestMap<number, string>(10_000)
  return {
    isKnown(body) {
      const at = body.indexOf('"repository":{"id":')
      const [, id, name] = /"id":(\d+).*?"full_name":"([^"]+)"/.exec(body.slice(at, at + 1_000)) ?? []
      const [, installation] = /"installation":\{"id":(\d+)/.exec(body) ?? []
      return seen.get(Number(id)) === `${installation} ${name}`
    },
    newsIn({ id: deliveryId, payload }) {
      const { data } = Placed.safeParse(payload)
      if (!data) return undefined
      const { installation, repository, sender } = data
      const place = `${installation.id} ${repository.full_name}`
      if (seen.get(repository.id) === place) return undefined
      seen.set(repository.id, place)
      return {
        kind: 'access-back',
        id: `access-${installation.id}-seen-${deliveryId}`,
        ...{ deliveryId, at: Date.now(), installationId: installation.id, repositories: [named(repository)] },
        sender: { login: sender.login, id: sender.id },
      }
    },
    forget({ repositories = [] }) {
      for (const { repoId } of repositories) seen.delete(repoId)
    },
  }
}
