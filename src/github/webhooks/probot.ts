/** What Probot does here: it verifies what comes to our own server, and hosts the bot under `probot run`. */
import { pino } from 'pino'
import type { Probot } from 'probot'
import type { Receive } from './event.ts'
import { readEvents } from './normalise.ts'

/** The bot as a Probot app. Probot answers with the status of an error: 503 when the queue can't take one. */
export function hostedBy(app: Pick<Probot, 'on'>, receive: Receive): void {
  app.on([...readEvents], async ({ id, name, payload }) => {
    await receive({ id, event: name, payload }).catch((error: Error) => {
      throw Object.assign(error, { status: 503 })
    })
  })
}

/** Says whether GitHub has signed a body, as it came. */
export type Verify = (body: string, signature: string) => Promise<boolean>

interface ProbotApp {
  id: number
  privateKey: string
  /** None may be empty: Probot would take its own default, which is known to everybody. */
  secrets: readonly string[]
}

/**
 * Probot is loaded when it is needed. It knows one secret, so that there are two while the secret is changed. None is
 * given an event: it would make a client for each, at a fifth of the webhooks in a second.
 */
export async function probotVerifier({ id, privateKey, secrets }: ProbotApp): Promise<Verify> {
  const { Probot } = await import('probot')
  const log = pino({ level: 'silent' })
  const probots = await Promise.all(
    secrets.map(secret => new Probot({ appId: id, privateKey, secret, log }).ready()),
  )
  return async (body, signature) => {
    for (const { webhooks } of probots) if (await webhooks.verify(body, signature)) return true
    return false
  }
}
