/** Where editors find the schema of `.github/codex.yml`: below the address that GitHub sends webhooks to. */
import { z } from 'zod'
import { minute, second } from './core/model/time.ts'
import { settingsSchemaPath } from './core/settings/repository-file.ts'
import type { GitHubApp } from './github/app-client.ts'
import { publicAddress } from './web/http-server.ts'

const keptMs = 10 * minute
const within = 3 * second

const Hook = z.object({ url: z.string() })

/** @returns an address only if it answers: a proxy before the bot may pass on webhooks alone */
export function schemaAddress(
  app: Pick<GitHubApp, 'asApp'>,
  now: () => number,
): () => Promise<string | undefined> {
  let known: { address: string | undefined; at: number } | undefined
  const find = async (): Promise<string | undefined> => {
    try {
      const { url } = Hook.parse((await app.asApp('GET /app/hook/config')).data)
      const address = publicAddress(url, settingsSchemaPath)
      if (address === undefined) return undefined
      const signal = AbortSignal.timeout(within)
      const { ok } = await fetch(address, { method: 'HEAD', redirect: 'manual', signal })
      return ok ? address : undefined
    } catch {
      return undefined
    }
  }
  return async () => {
    if (!known || now() - known.at >= keptMs) known = { address: await find(), at: now() }
    return known.address
  }
}
