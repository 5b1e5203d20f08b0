/** Whether the channel in WEBHOOK_PROXY_URL can be reached, as firewalls let some through and some not. */
import { type Check, found, passed } from '../core/model/check.ts'
import { describe } from '../core/model/errors.ts'

/** ms */
const answersWithin = 5_000

export async function checkChannel(url: string): Promise<Check[]> {
  const fail = (why: string): Check[] => [
    found(
      'webhook-proxy',
      `${new URL(url).host} can not be reached: ${why}`,
      'Remove WEBHOOK_PROXY_URL and set WEBHOOKS=poll: the bot then reads GitHub’s log of webhooks.',
    ),
  ]
  try {
    const signal = AbortSignal.timeout(answersWithin)
    const response = await fetch(url, { headers: { accept: 'text/event-stream' }, signal })
    await response.body?.cancel()
    if (!response.ok) return fail(`it answers ${response.status}`)
    return [passed('webhook-proxy', `${new URL(url).host} answers`)]
  } catch (error) {
    const { cause } = error instanceof Error ? error : { cause: undefined }
    return fail(describe(cause ?? error))
  }
}
