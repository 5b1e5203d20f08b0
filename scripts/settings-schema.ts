/**
 * Writes what is made of the zod schemas that the bot reads its settings with: a JSON Schema of each file, for editors,
 * and the page of all settings. `npm run schema` after a change of a setting.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { settingsFile } from '../src/commands/command-registry.ts'
import { DeploymentSettings } from '../src/core/settings/deployment-settings.ts'

interface SchemaNode {
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
const folder = 'schema/v1'

const files: readonly Described[] = [
  {
    path: `${folder}/codex.schema.json`,
    title: '.github/codex.yml',
    description:
      'The settings of codex-task-bot for one repository, or in the repository .github for all of its owner.',
    schema: settingsFile.schema,
  },
  {
    path: `${folder}/settings.schema.json`,
    title: 'SETTINGS_FILE',
    description: 'What whoever runs codex-task-bot grants and bounds.',
    schema: DeploymentSettings,
  },
]

const root = join(import.meta.dirname, '..')
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Who publishes this repository says so in `package.json`, and nowhere else. */
function repositoryOf(manifest: string): string {
  const { repository } = z.object({ repository: z.object({ url: z.string() }) }).parse(JSON.parse(manifest))
  return /github\.com\/([^/]+\/[^/]+?)(?:\.git)?$/.exec(repository.url)?.[1] ?? ''
}

/** Where anybody's editor finds a schema, without a copy of it. */
const addressOf = (path: string): string =>
  `https://raw.githubusercontent.com/${repositoryOf(textOf('package.json'))}/main/${path}`

/** The first line of a settings file. */
const firstLine = (path: string): string => `# yaml-language-server: $schema=${addressOf(path)}`

/** With the first lines of today. */
export const withFirstLines = (document: string): string =>
  files.reduce(
    (text, { path }) =>
      text.replace(new RegExp(`^# yaml-language-server: \\$schema=\\S+/${path}$`, 'gm'), () =>
        firstLine(path),
      ),
    document,
  )

/** Each by its path. @throws an error that names a key without a meaning */
export const jsonSchemas = (): ReadonlyMap<string, object> =>
  new Map(files.map(file => [file.path, jsonSchema(file)]))

function jsonSchema({ path, title, description, schema }: Described): SchemaNode {
  const { $schema, ...rest }: SchemaNode = JSON.parse(
    JSON.stringify(z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })),
  )
  const unsaid = keysOf(rest).filter(({ node }) => node.description === undefined)
  if (unsaid.length > 0) throw new Error(`no meaning of ${unsaid.map(({ key }) => key).join(', ')}`)
  return { $schema, $id: addressOf(path), ...rest, title, description }
}

/** All keys that are no mere group of others, by the path of the schema. */
export const settingsKeys = (): ReadonlyMap<string, readonly string[]> =>
  new Map(
    files.map(file => [
      file.path,
      keysOf(jsonSchema(file)).flatMap(({ key, node }) =>
        node.properties || typeof node.additionalProperties === 'object' ? [] : [key],
      ),
    ]),
  )

interface Key {
  key: string
  node: SchemaNode
}

/** Depth first; `*` is a key that the writer chooses. */
function keysOf({ properties = {}, additionalProperties: free }: SchemaNode, above = ''): Key[] {
  const below = [...Object.entries(properties), ...(typeof free === 'object' ? [['*', free] as const] : [])]
  return below.flatMap(([name, node]) => {
    const key = `${above}${name}`
    return [{ key, node }, ...keysOf(node, `${key}.`)]
  })
}

function takes(node: SchemaNode): string {
  if (node.enum) return node.enum.map(value => `\`${value}\``).join(', ')
  if (node.anyOf) return node.anyOf.map(takes).join(', or ')
  switch (node.type) {
    case 'array':
      return `a list: ${takes(node.items ?? {})}`
    case 'integer':
      return node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER
        ? `${node.minimum ?? 0} to ${node.maximum}`
        : 'a number'
    case 'boolean':
      return '`true`, `false`'
    case 'object':
      return Object.keys(node.properties ?? {}).length > 0 && node.description === undefined
        ? Object.keys(node.properties ?? {})
            .map(name => `\`${name}\``)
            .join(' and ')
        : ''
    default:
      return 'text'
  }
}

const usual = ({ default: value }: SchemaNode): string =>
  value === undefined || (typeof value === 'object' && JSON.stringify(value) === '{}')
    ? ''
    : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

function table(schema: SchemaNode): string {
  const rows = keysOf(schema).map(({ key, node }) =>
    [`\`${key}\``, takes(node), usual(node), node.description ?? ''].map(cell => cell.replaceAll('|', '\\|')),
  )
  return [['Key', 'Takes', 'Default', 'Meaning'], ['---', '---', '---', '---'], ...rows]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n')
}

export const pagePath = 'docs/settings.md'

export function settingsPage(): string {
  const [codex = '', deployment = ''] = files.map(file => table(jsonSchema(file)))
  return `# All settings

Made by \`npm run schema\` from the schemas that the bot reads the files with. [The README](../README.md#settings-of-a-repository) says how they belong together.

Three layers hold in a thread: what whoever runs the bot says in \`SETTINGS_FILE\`, then \`.github/codex.yml\` of the owner's repository \`.github\`, then \`.github/codex.yml\` of the repository itself. The lower one chooses, but:

- in \`limits\` the lowest number holds, and the least \`max_effort\`;
- of \`models\`, \`efforts\` and the lists in \`allow\` only those hold that the layers above have too. Where none of the models or efforts is left, those of the layer above hold;
- in \`permissions\` the stricter role holds;
- a no to \`as_user\` stays one;
- all \`instructions\` count, one after another;
- of two presets with the same name in \`labels\` the lower one holds.

What the bot is called by, \`trigger.word\` and \`trigger.labels\`, stands in \`SETTINGS_FILE\` alone, for all owners or for one. It decides which webhooks are for the bot at all, and that is decided where they arrive, before anybody is asked anything: a file of an owner or repository would have to be read from GitHub for every comment that anybody writes, and who may write none of these would cost calls with each. \`labels\` in their files adds variants to the word that holds.

\`/codex config\` shows what that comes to in a repository, and which layer each value is from.

## \`.github/codex.yml\`

[JSON Schema](../schema/v1/codex.schema.json); with this as its first line, editors know it:

\`\`\`yaml
${firstLine('schema/v1/codex.schema.json')}
\`\`\`

${codex}

## \`SETTINGS_FILE\`

[JSON Schema](../schema/v1/settings.schema.json); its first line:

\`\`\`yaml
${firstLine('schema/v1/settings.schema.json')}
\`\`\`

${deployment}
`
}

if (process.argv[1] === import.meta.filename) {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const [path, schema] of jsonSchemas()) write(path, JSON.stringify(schema, null, 2))
  write(pagePath, settingsPage())
  write('README.md', withFirstLines(textOf('README.md')))
}
