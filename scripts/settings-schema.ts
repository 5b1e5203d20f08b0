/**
 * Writes what is made of the zod schemas that the bot reads its settings with: a JSON Schema of each file, for editors,
 * and the table and the first example of docs/settings.md. `npm run schema` after a change of a setting.
 */
import { stringify } from 'yaml'
import { settings } from '../src/core/settings/repository-settings.ts'
import { lower, type Setting } from '../src/core/settings/setting.ts'
import { editorLine } from '../src/core/words/settings-text.ts'
import { jsonSchema, schemaFiles } from '../src/settings-schemas.ts'
import { type Written, writeAll } from './written.ts'

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
}

const schemaOf = (file: (typeof schemaFiles)[number]): SchemaNode => jsonSchema(file)

/** Where the pages look for a bot. */
const example = 'https://bot.example.com'

/** With the first lines of today. */
const withFirstLines = (document: string): string =>
  schemaFiles.reduce(
    (text, { path }) =>
      text.replace(new RegExp(`^# yaml-language-server: \\$schema=\\S+/${path}$`, 'gm'), () =>
        editorLine(`${example}/${path}`),
      ),
    document,
  )

/** @throws an error that names a key without a meaning */
function schemaText(file: (typeof schemaFiles)[number]): string {
  const schema = schemaOf(file)
  const unsaid = keysOf(schema).filter(({ node }) => node.description === undefined)
  if (unsaid.length > 0) throw new Error(`no meaning of ${unsaid.map(({ key }) => key).join(', ')}`)
  return JSON.stringify(schema, null, 2)
}

/** All keys that are no mere group of others, by the path of the schema. */
export const settingsKeys = (): ReadonlyMap<string, readonly string[]> =>
  new Map(
    schemaFiles.map(file => [
      file.path,
      keysOf(schemaOf(file)).flatMap(({ key, node }) =>
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
  const below = [
    ...Object.entries(properties),
    ...(typeof free === 'object' ? [['*', free] as const] : []),
  ]
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
    case 'number':
      return 'a number'
    case 'boolean':
      return '`true`, `false`'
    case 'object':
      return Object.keys(node.properties ?? {}).length > 0 && node.description === undefined
        ? Object.keys(node.properties ?? {})
            .map(name => `\`${name}\``)
            .join(' and ')
        : ''
    case 'string':
      return 'text'
    default:
      throw new Error(`no words for what a setting of the type ${node.type} takes`)
  }
}

/** Each setting of a repository by its key, those of a group after the group. */
const byKey: ReadonlyMap<string, Setting> = new Map(
  Object.entries<Setting>(settings).flatMap(([key, schema]): [string, Setting][] => [
    [key, schema],
    ...Object.entries(schema.setting.below ?? {}).map(([name, below]): [string, Setting] => [
      `${key}.${name}`,
      below,
    ]),
  ]),
)

/** What applies if two layers have a setting, but for those where the lower one counts. */
function layersTable(): string {
  const byRule = new Map<string, string[]>()
  for (const [key, { setting }] of byKey) {
    const { words } = setting.rule
    if (words !== '' && words !== lower.words)
      byRule.set(words, [...(byRule.get(words) ?? []), `\`${key}\``])
  }
  const rows = [...byRule].map(([words, keys]) => `| ${keys.join(', ')} | ${words} |`)
  return ['| Setting | If two layers have it |', '| --- | --- |', ...rows].join('\n')
}

const width = 118

/** Lines of a comment in YAML. */
function comment(text: string): string[] {
  const lines = ['#']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`# ${word}`)
  }
  return lines
}

const inYaml = (value: unknown): string =>
  stringify(value, {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trimEnd()

/** One setting as a line that may stand in a file: with its default, or behind a comment sign with an example. */
function shown(key: string, node: SchemaNode): string {
  const name = key.split('.').at(-1) ?? key
  const example = byKey.get(key)?.setting.example
  return node.default === undefined
    ? `# ${name}: ${inYaml(example)}`
    : `${name}: ${inYaml(node.default)}`
}

const linesBelow = (example: unknown): string[] =>
  typeof example === 'object' && example !== null && !Array.isArray(example)
    ? stringify(example)
        .trimEnd()
        .split('\n')
        .map(line => `#  ${line}`)
    : []

function shownWhole(key: string, node: SchemaNode): string[] {
  const { description = '', enum: values = [] } = node
  const unsaid = values.filter(value => !description.includes(`\`${value}\``))
  const meaning = comment(unsaid.length > 0 ? `${description} One of ${takes(node)}.` : description)
  const below = Object.entries(node.properties ?? {})
  if (below.length === 0)
    return [...meaning, shown(key, node), ...linesBelow(byKey.get(key)?.setting.example)]
  return [
    ...meaning,
    `${key}:`,
    ...below.map(
      ([name, each]) => `  ${shown(`${key}.${name}`, each)} # ${each.description ?? ''}`,
    ),
    ...linesBelow(byKey.get(key)?.setting.example),
  ]
}

/** `.github/codex.yml` with every setting. */
function exampleFile(): string {
  const [file] = schemaFiles
  const { properties = {} } = file ? schemaOf(file) : {}
  return Object.entries(properties)
    .map(([key, node]) => `\n${shownWhole(key, node).join('\n')}\n`)
    .join('')
}

/** The page with the table, the example and the first lines of today; its other words are written by hand. */
const withSettings = (page: string): string =>
  withFirstLines(page)
    .replace(
      /(^# yaml-language-server: \$schema=\S+codex\.schema\.json\n)[\s\S]*?(?=^```)/m,
      (_, first: string) => `${first}${exampleFile()}`,
    )
    .replace(/^\| Setting [\s\S]*?\n(?=\n)/m, () => `${layersTable()}\n`)

export const settingsDocs: Written = [
  ...schemaFiles.map(file => [file.path, () => schemaText(file)] as const),
  ['docs/settings.md', withSettings],
]

if (process.argv[1] === import.meta.filename) writeAll(settingsDocs)
