/** WEBHOOK_PROXY_URL: has webhooks passed on to this process. A channel that is not reachable is tried again and again. */
import type { Logger } from 'pino'
import { backoff } from '../core/model/time.ts'

const unreachable =
  'the channel in WEBHOOK_PROXY_URL can not be reached, so no webhook comes in. Remove it and set WEBHOOKS=poll: the bot then reads GitHub’s log of webhooks'

/** @throws before anything is connected, if the settings of a proxy are wrong */
export async function openChannel(source: string, target: string, log: Logger): Promise<void> {
  // Loaded only here: it reads those settings at import.
  const { SmeeClient } = await import('smee-client')
  const logger = {
    info: (text: string) => log.info(text),
    error: (...said: unknown[]) => log.debug({ said }, 'the channel of webhooks'),
  }
  const connect = async (failures: number): Promise<void> => {
    const client = new SmeeClient({ source, target, logger })
    try {
      // Once connected, it reconnects by itself.
      await client.start()
    } catch {
      if (failures === 0) log.error({ host: new URL(source).host }, unreachable)
      await client.stop()
      setTimeout(() => void connect(failures + 1), backoff(failures)).unref()
    }
  }
  void connect(0)
}
