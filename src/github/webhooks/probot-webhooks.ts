/** What comes in goes through a Probot app: Octokit verifies it, and its one listener normalises and enqueues it. */
import type { Probot } from 'probot'
import type { Receive, Received } from './event.ts'
import { readEvents } from './normalise.ts'

/** Probot answers with the status of an error: 503 when the queue can't take one. */
export function listen(app: Pick<Probot, 'on'>, receive: Receive): void {
  app.on([...readEvents], async ({ id, name, payload }) => {
    await receive({ id, event: name, payload }).catch((error: Error) => {
      throw Object.assign(error, { status: 503 })
    })
  })
}

export interface ProbotWebhooks {
  /** Of the payload as it came. */
  verify(payload: string, signature: string): Promise<boolean>
  receive: Receive
}

/** @param probot with nothing loaded yet */
export async function webhooksOf(probot: Probot, receive: Receive): Promise<ProbotWebhooks> {
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
    verify: (payload, signature) => webhooks.verify(payload, signature),
    async receive({ id, event, payload }) {
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
