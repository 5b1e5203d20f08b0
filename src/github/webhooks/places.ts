/**
 * Where each repository was when a webhook came from it last. One that names another place is news, also if it says
 * nothing else that is used: then it is a hint that the App may work there.
 */
import { z } from 'zod'
import type { AccessBackTrigger } from '../../core/model/trigger.ts'
import { NewestMap } from '../../core/text/newest-map.ts'
import type { Delivery } from './event.ts'
import { named, ShortRepository } from './payloads.ts'

const SeenPayload = z.object({
  installation: z.object({ id: z.number().int().positive() }),
  repository: ShortRepository,
  sender: z.object({ login: z.string(), id: z.number().int() }),
})

export type Places = ReturnType<typeof placesSeen>

export function placesSeen() {
  const places = new NewestMap<number, string>(10_000)
  return {
    /** Looks at the bytes of a webhook. In a text its quotes would be escaped. */
    isKnown(body: string): boolean {
      const at = body.indexOf('"repository":{"id":')
      const [, id, name] =
        /"id":(\d+).*?"full_name":"([^"]+)"/.exec(body.slice(at, at + 1_000)) ?? []
      const [, installation] = /"installation":\{"id":(\d+)/.exec(body) ?? []
      return places.get(Number(id)) === `${installation} ${name}`
    },
    /** What a webhook of which nothing is used says all the same, once. */
    newsIn({ id: deliveryId, payload }: Delivery): AccessBackTrigger | undefined {
      const { data } = SeenPayload.safeParse(payload)
      if (!data) return undefined
      const { installation, repository, sender } = data
      const place = `${installation.id} ${repository.full_name}`
      if (places.get(repository.id) === place) return undefined
      places.set(repository.id, place)
      return {
        kind: 'access-back',
        id: `access-${installation.id}-seen-${deliveryId}`,
        deliveryId,
        at: Date.now(),
        installationId: installation.id,
        repositories: [named(repository)],
        sender,
      }
    },
    /** It could not be told. */
    forget({ repositories = [] }: AccessBackTrigger): void {
      for (const { repoId } of repositories) places.delete(repoId)
    },
  }
}
