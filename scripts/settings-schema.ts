/**
 * Writes the JSON Schema of `.github/codex.yml`, for editors, from the zod schema that the bot reads it with. What a key
 * means to the writer of the file is said here; `npm run schema` after a change of either.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { settingsFile } from '../src/commands/command-registry.ts'

export const schemaPath = 'schema/codex.schema.json'

/** By the path of the key; `*` is a key that the writer chooses. */
const meanings: Readonly<Record<string, string>> = {
  branch:
    'Where the agent works for an issue: `issue`, on a branch of its own; `default`, on the default branch.',
  model: 'The model of a run that asks for none.',
  effort: 'How hard it thinks when a run does not say.',
  mode: 'How PostHog runs the agent.',
  permission: 'What the agent may do in its sandbox. A plan is always `read-only`.',
  sandbox: 'The PostHog sandbox environment, by name or id.',
  as_user: 'Whether `--as-user` may be used here.',
  attachments: 'Whether files attached to the thread and the command are passed to the agent.',
  labels: 'Labels `codex:<name>` of your own, and what each stands for.',
  'labels.*': 'What this label stands for.',
  'labels.*.plan': 'Only plan.',
  'labels.*.model': 'The model.',
  'labels.*.effort': 'How hard it thinks.',
  'labels.*.sandbox': 'The PostHog sandbox environment, by name or id.',
  'labels.*.instruction': 'What the agent is asked to do, instead of the issue or pull request itself.',
  when: 'What becomes of a run whose reason is taken away.',
  'when.closed': 'When the issue or pull request is closed.',
  'when.deleted': 'When the comment that asked is deleted.',
  'when.unlabeled': 'When the label that asked is taken off.',
  pull_request: 'What is done with the pull request of a run.',
  'pull_request.assign': 'Assign it to the person who asked.',
  'pull_request.review': 'Ask them for a review.',
  permissions: 'The least role for a command, where it is to be more than usual.',
  'permissions.*': 'The least role.',
  allow: 'Who may use every command whatever their role.',
  'allow.users': 'Logins.',
  'allow.teams': 'Slugs of teams of the organization.',
  'allow.apps': 'GitHub Apps, by their number.',
  models: 'The models that may be asked for; all when absent.',
  efforts: 'The efforts that may be asked for; all when absent.',
  head_moved:
    'When commits were pushed to a pull request between the command and its start: go on and say so, or ask.',
  limits: 'How many runs there may be, and what becomes of more.',
  'limits.repository': 'Under way at once in this repository.',
  'limits.person': 'Under way at once for one person.',
  'limits.owner': 'Under way at once in all repositories of the same owner.',
  'limits.repository_per_day': 'Started in 24 hours in this repository.',
  'limits.person_per_day': 'Started in 24 hours for one person.',
  'limits.owner_per_day': 'Started in 24 hours in all repositories of the same owner.',
  'limits.thread_per_day': 'Started in 24 hours in one issue or pull request.',
  'limits.bots_per_thread_per_day': 'Started by bots in 24 hours in one issue or pull request.',
  'limits.when_reached':
    'Whether a run beyond a limit waits for its turn, or is refused with the time to ask again.',
  'limits.repository_per_5_minutes': 'Started in five minutes in this repository.',
}

interface Node {
  description?: string
  properties?: Record<string, Node>
  additionalProperties?: boolean | Node
  [keyword: string]: unknown
}

/** @throws an error that names a key without a meaning, or a meaning without its key */
export function settingsSchema(): object {
  const unused = new Set(Object.keys(meanings))
  const { $schema, ...schema } = z.toJSONSchema(settingsFile.schema, {
    io: 'input',
    target: 'draft-7',
  }) as Node
  const settings = described(schema, [], unused)
  if (unused.size > 0) throw new Error(`no such settings: ${[...unused].join(', ')}`)
  return {
    $schema,
    title: '.github/codex.yml',
    description: 'The settings of codex-task-bot for one repository, read from its default branch.',
    ...settings,
  }
}

function described(node: Node, path: readonly string[], unused: Set<string>): Node {
  const below = (child: Node, key: string): Node => withMeaning(child, [...path, key], unused)
  const { properties, additionalProperties } = node
  return {
    ...node,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, child]) => [key, below(child, key)]),
      ),
    }),
    ...(typeof additionalProperties === 'object' && {
      additionalProperties: below(additionalProperties, '*'),
    }),
  }
}

function withMeaning(node: Node, path: readonly string[], unused: Set<string>): Node {
  const key = path.join('.')
  const description = meanings[key]
  if (description === undefined) throw new Error(`the meaning of the setting ${key} is not written down`)
  unused.delete(key)
  return { description, ...described(node, path, unused) }
}

if (process.argv[1] === import.meta.filename) {
  const file = join(import.meta.dirname, '..', schemaPath)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(settingsSchema(), null, 2))
}
