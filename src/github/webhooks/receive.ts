/** What comes in goes through a Probot app: Octokit verifies it, and its one listener normalises and enqueues it. */
import type { Probot } from 'probot'
import { z } from 'zod'
import type { Log } from '../../core/model/ports.ts'
import { hour, latelyCounted, second } from '../../core/model/time.ts'
import { type AccessBackTrigger, type Trigger, withWords } from '../../core/model/trigger.ts'
import { NewestMap } from '../../core/text/newest-map.ts'
import type { Delivery, Receive, Received, TriggerOf } from './event.ts'
import { normalise, readEvents } from './normalise.ts'
import { named, ShortRepository } from './payloads.ts'

/** Probot answers with the status of an error: 503 when the queue can't take one. */
export function listen(app: Pick<Probot, 'on'>, receive: Receive): void {
  app.on([...readEvents], async ({ id, name, payload }) => {
    await receive({ id, event: name, payload }).catch((error: Error) => {
      throw Object.assign(error, { status: 503 })
    })
  })
}

export type ProbotWebhooks = Awaited<ReturnType<typeof webhooksOf>>

/** @param probot with nothing loaded yet */
export async function webhooksOf(probot: Probot, receive: Receive) {
  const results = new WeakMap<object, Promise<Received>>()
  await probot.load(app =>
    listen(app, delivery => {
      const result = receive(delivery)
      results.set(delivery.payload, result)
      return result
    }),
  )
  const { webhooks } = probot
  return {
    /** Verifies the payload as it came. */
    verify: (payload: string, signature: string): Promise<boolean> =>
      webhooks.verify(payload, signature),
    async receive({ id, event, payload }: Parameters<Receive>[0]): Promise<Received> {
      // GitHub signed it; Octokit's types say of each event what is in it.
      const signed = { id, name: event, payload } as Parameters<typeof webhooks.receive>[0]
      try {
        await webhooks.receive(signed)
      } catch {
        // A failure of ours is in the result. What Octokit can't read, it hands to nobody.
      }
      return results.get(payload) ?? { kind: 'ignored', why: 'payload not understood' }
    },
  }
}

export interface ReceivingDeps {
  triggerOf: TriggerOf
  redact(text: string): string
  log: Pick<Log, 'debug' | 'info'>
  /** Claims the trigger by its id and enqueues it, in one step; `known` when it was there already. */
  enqueue(trigger: Trigger): Promise<'added' | 'known'>
  places?: Places
  mayLeave?: MayLeave
}

/** Bytes of words that wait in the queue, or that it keeps, of one account in an hour. */
const mostBytes = 8e6
/** The least that a trigger takes there, as long as its id is known. */
const leastBytes = 2_000

/** Whether there is room for what an account writes, however fast that is. */
type MayLeave = (trigger: Trigger) => boolean

export function leavesWithin(now: () => number): MayLeave {
  const left = latelyCounted(hour, now)
  return trigger => {
    const { kind } = trigger
    if (kind !== 'comment' && kind !== 'label' && kind !== 'tick') return true
    const { id } = trigger.sender
    const bytes = leastBytes + Buffer.byteLength(JSON.stringify(trigger))
    const isRoom = left(id, 0) + bytes <= mostBytes
    if (isRoom) left(id, bytes)
    return isRoom
  }
}

/** Whoever sent more lately than this is taken up in the order in which it came. */
const lastInLine = 100

/** Owners take turns, and so do the people of each: the more has come of them lately, the later their next is taken up. */
export function turnsOfOwners(now: () => number): (trigger: Trigger) => number {
  const came = latelyCounted(10 * second, now)
  const before = (name: string) => Math.min(lastInLine, Math.round(came(name, 1)))
  return trigger => {
    const isOfAccess = trigger.kind === 'access-lost' || trigger.kind === 'access-back'
    const owner = isOfAccess ? trigger.installationId : trigger.thread.installationId
    return before(`${owner}`) + before(`${owner} ${trigger.sender.id}`)
  }
}

export const receiver =
  ({ triggerOf, redact, log, enqueue, places, mayLeave }: ReceivingDeps): Receive =>
  async delivery => {
    const { id, event } = delivery
    const read = normalise(delivery, triggerOf)
    if (read.kind === 'ignored') {
      log.debug({ delivery: id, event, why: read.why }, 'ignored')
      const hint = places?.newsIn(delivery)
      // GitHub does not wait for it: the next webhook says the same.
      if (hint) void enqueue(hint).catch(() => places?.forget(hint))
      return read
    }
    const trigger = withWords(read.trigger, redact)
    for (const also of read.also ?? []) await enqueue(withWords(also, redact))
    if (mayLeave?.(trigger) === false) {
      log.info(
        { delivery: id, event, by: trigger.sender.login },
        'ignored: too much by one account',
      )
      return { kind: 'ignored', why: 'too much by one account' }
    }
    const outcome = await enqueue(trigger)
    log.info({ delivery: id, event, trigger: trigger.id, outcome }, 'queued')
    return { kind: outcome, id: trigger.id }
  }

const Placed = z.object({
  installation: z.object({ id: z.number().int().positive() }),
  repository: ShortRepository,
  sender: z.object({ login: z.string(), id: z.number().int() }),
})

export type Places = ReturnType<typeof placesSeen>

/**
 * Where each repository was when a webhook came from it last. One that names another place is news, also if it says
 * nothing else that is used: then it is a hint that the App may work there.
 */
export function placesSeen() {
  const seen = new NewestMap<number, string>(10_000)
  return {
    /** Looks at the bytes of a webhook. In a text its quotes would be escaped. */
    isKnown(body: string): boolean {
      const at = body.indexOf('"repository":{"id":')
      const [, id, name] =
        /"id":(\d+).*?"full_name":"([^"]+)"/.exec(body.slice(at, at + 1_000)) ?? []
      const [, installation] = /"installation":\{"id":(\d+)/.exec(body) ?? []
      return seen.get(Number(id)) === `${installation} ${name}`
    },
    /** What a webhook of which nothing is used says all the same, once. */
    newsIn({ id: deliveryId, payload }: Delivery): AccessBackTrigger | undefined {
      const { data } = Placed.safeParse(payload)
      if (!data) return undefined
      const { installation, repository, sender } = data
      const place = `${installation.id} ${repository.full_name}`
      if (seen.get(repository.id) === place) return undefined
      seen.set(repository.id, place)
      return {
        kind: 'access-back',
        id: `access-${installation.id}-seen-${deliveryId}`,
        deliveryId,
        at: Date.now(),
        installationId: installation.id,
        repositories: [named(repository)],
        sender: { login: sender.login, id: sender.id },
      }
    },
    /** It could not be told. */
    forget({ repositories = [] }: AccessBackTrigger): void {
      for (const { repoId } of repositories) seen.delete(repoId)
    },
  }
}
