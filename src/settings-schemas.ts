/** The JSON Schemas of both settings files, for editors. The bot serves them below its public address. */
import { z } from 'zod'
import { settingsFile } from './commands/command-registry.ts'
import { DeploymentSettings } from './core/settings/deployment-settings.ts'
import { settingsSchemaPath } from './core/settings/repository-file.ts'

export interface SchemaNode {
  description?: string
  default?: unknown
  type?: string
  enum?: unknown[]
  items?: SchemaNode
  anyOf?: SchemaNode[]
  properties?: Record<string, SchemaNode>
  additionalProperties?: boolean | SchemaNode
  minimum?: number
  maximum?: number
  [keyword: string]: unknown
}

interface Described {
  path: string
  title: string
  description: string
  schema: z.ZodType
}

/** What is taken away or changes its meaning gets a new folder; what is added does not. */
export const schemaFiles: readonly Described[] = [
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

/** Without an `$id`: each bot has its own address. */
export function jsonSchema({ title, description, schema }: Described): SchemaNode {
  const { $schema, ...rest }: SchemaNode = JSON.parse(
    JSON.stringify(z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })),
  )
  return { $schema, ...rest, title, description }
}

/** @param path as it is asked for, with the slash before it */
export function schemaAt(path: string): SchemaNode | undefined {
  const file = schemaFiles.find(each => `/${each.path}` === path)
  return file && jsonSchema(file)
}
