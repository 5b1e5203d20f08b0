/** The JSON Schemas of both settings files, for editors. The bot serves them below the address that GitHub sends webhooks to. */
import { z } from 'zod'
import { settingsFile } from './commands/command-registry.ts'
import { cachedFor, minute, second } from './core/model/time.ts'
import { DeploymentSettings } from './core/settings/deployment-settings.ts'
import { settingsSchemaPath } from './core/settings/settings-file.ts'
import type { GitHubApp } from './github/app-client.ts'
import { addressOf } from './own-package.ts'
import { publicAddress } from './web/http-server.ts'

/** What is taken away or changes its meaning gets a new folder; what is added does not. */
export const schemaFiles = [
  {
    path: settingsSchemaPath,
    title: '.github/codex.yml',
    description:
      'The settings of codex-task-bot for one repository, or in the repository .github for all of its owner.',
    schema: settingsFile.schema,
  },
  {
    path: 'schema/v1/settings.schema.json',
    title: 'SETTINGS_FILE',
    description: 'What whoever runs codex-task-bot grants and bounds.',
    schema: DeploymentSettings,
  },
]

/** The schema has no `$id`, as each bot has its own address. */
export function jsonSchema({ title, description, schema }: (typeof schemaFiles)[number]): object {
  const made: object = JSON.parse(
    JSON.stringify(z.toJSONSchema<z.ZodType>(schema, { io: 'input', target: 'draft-7' })),
  )
  return { ...made, title, description }
}

/** @param path as it is asked for, with the slash before it */
export function schemaAt(path: string): object | undefined {
  const file = schemaFiles.find(each => `/${each.path}` === path)
  return file && jsonSchema(file)
}

const schemaMs = 3 * second

const ofRepository = addressOf(settingsSchemaPath)

const Hook = z.object({ url: z.string() })

/** @returns the bot's own address if it answers: a proxy before the bot may pass on webhooks alone */
export function schemaAddress(
  app: Pick<GitHubApp, 'asApp'>,
  now: () => number,
): () => Promise<string | undefined> {
  const found = cachedFor(10 * minute, now, async () => {
    try {
      const { url } = Hook.parse((await app.asApp('GET /app/hook/config')).data)
      const address = publicAddress(url, settingsSchemaPath)
      if (address === undefined) return ofRepository
      const signal = AbortSignal.timeout(schemaMs)
      const { ok } = await fetch(address, { method: 'HEAD', redirect: 'manual', signal })
      return ok ? address : ofRepository
    } catch {
      return ofRepository
    }
  })
  return () => found.get('')
}
