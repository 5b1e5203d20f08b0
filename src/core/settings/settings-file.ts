/** Reads a settings file. One wrong line voids it: half of the rules is worse than none. */
import { z } from 'zod'
import { type CommandGrammar, mayAct } from '../model/command-grammar.ts'
import { withoutEmpty } from '../text/phrases.ts'
import { readYaml, type YamlProblem } from '../text/yaml.ts'
import {
  type GivenSettings,
  LeastRole,
  limitsInFiles,
  RepoSettings,
} from './repository-settings.ts'

export type FileRead<T> =
  | {
      kind: 'read'
      value: T
      written: unknown
      lineOf(path: readonly string[]): number | undefined
    }
  | { kind: 'problems'; problems: YamlProblem[] }

export function readSettingsFile<T>(schema: z.ZodType<T>, text: string): FileRead<T> {
  const yaml = readYaml(text)
  if (yaml.kind === 'problems') return yaml
  const written = yaml.value ?? {}
  const parsed = schema.safeParse(written)
  const slips = slipsOf(parsed.error?.issues ?? [], written)
  if (parsed.success && slips.length === 0)
    return { kind: 'read', value: parsed.data, written, lineOf: yaml.lineOf }
  const problems = slips
    .map(({ path, message }) => ({ line: yaml.lineOf(path), key: path.join('.'), message }))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return { kind: 'problems', problems }
}

function slipsOf(issues: readonly z.core.$ZodIssue[], written: unknown): Slip[] {
  const places = issues.flatMap((issue): Slip[] => {
    const path = issue.path.map(String)
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map(key => ({ path: [...path, key], message: 'is not a setting' }))
      : [{ path, message: issueWords(issue, valueAt(written, path)) }]
  })
  const found = new Set(places.map(({ path }) => path.join('.')))
  return [...places, ...namesLost(written).filter(({ path }) => !found.has(path.join('.')))]
}

interface Slip {
  path: string[]
  message: string
}

/** zod ignores this key instead of refusing it. */
const unheld = '__proto__'

function namesLost(value: unknown, path: readonly string[] = []): Slip[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inside]) =>
    key === unheld
      ? [{ path: [...path, key], message: 'is no name that can stand here' }]
      : namesLost(inside, [...path, key]),
  )
}

export const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inside, key) =>
      typeof inside === 'object' && inside !== null && Object.hasOwn(inside, key)
        ? Reflect.get(inside, key)
        : undefined,
    value,
  )

/** Our own messages stay; those of zod are replaced. */
function issueWords(issue: z.core.$ZodIssue, value: unknown): string {
  if (!/^(?:Invalid|Too) /.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'invalid_value': {
      const all = issue.values.map(each => `\`${String(each)}\``)
      const oneOf = [all.slice(0, -1).join(', '), ...all.slice(-1)]
        .filter(part => part !== '')
        .join(' or ')
      return `${isWrong(value)}: use ${oneOf}`
    }
    case 'invalid_type':
      return `${isWrong(value)}: it must be ${kindInWords[issue.expected] ?? issue.expected}`
    case 'too_small':
      return issue.origin === 'number'
        ? `${isWrong(value)}: use ${issue.minimum} or more`
        : "can't be empty"
    case 'too_big':
      return issue.origin === 'number'
        ? `${isWrong(value)}: use ${issue.maximum} or less`
        : `is too long: at most ${issue.maximum}`
    case 'invalid_key': {
      const [own] = issue.issues
      return own === undefined || own.message.startsWith('Invalid ')
        ? 'is no name that can stand here'
        : own.message
    }
    default:
      return issue.message
  }
}

const kindInWords: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: '`true` or `false`',
  int: 'a whole number',
  number: 'a number',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
  string: 'text',
}

function isWrong(value: unknown): string {
  if (value === undefined) return 'is missing'
  if (Array.isArray(value)) return "can't be a list"
  if (typeof value === 'object' && value !== null) return "can't be a map of keys and values"
  const shown = String(value)
    .replace(/[`\s]+/g, ' ')
    .trim()
    .slice(0, 40)
    .toWellFormed()
  return shown === '' ? "can't be empty" : `can't be \`${shown}\``
}

/** @param path nothing, where it was named before */
export function problemText(path: string, { line, key, message }: YamlProblem): string {
  const place = withoutEmpty([path, line !== undefined && `line ${line}`]).join(', ')
  return withoutEmpty([place, `${key === '' ? '' : `\`${key}\` `}${message}`]).join(': ')
}

/** The file is on the default branch. */
export const settingsPath = '.github/codex.yml'

/** Where the bot serves its schema. */
export const settingsSchemaPath = 'schema/v1/codex.schema.json'

export interface SettingsRead {
  given: GivenSettings
  problems: YamlProblem[]
  lineOf(path: readonly string[]): number | undefined
}

export type SettingsFile = ReturnType<typeof repositorySettings>

/** It may raise the role that a command needs, never lower it. */
export function repositorySettings(commands: readonly CommandGrammar[]) {
  const whole = RepoSettings.extend({ permissions: permissionsSchema(commands) })
  const schema = whole.extend({ limits: limitsInFiles })
  return {
    /** The schema of a file. */
    schema,
    read(text = ''): SettingsRead {
      const read = readSettingsFile(schema, text)
      if (read.kind === 'problems')
        return { given: {}, problems: read.problems, lineOf: () => undefined }
      // What the schema takes is what it lets in.
      return { given: read.written as GivenSettings, problems: [], lineOf: read.lineOf }
    },
    complete: (given: GivenSettings): RepoSettings => whole.parse(given),
  }
}

function permissionsSchema(commands: readonly CommandGrammar[]) {
  const usual = Object.fromEntries(commands.map(({ name, least }) => [name, least]))
  return z
    .partialRecord(z.enum(commands.map(({ name }) => name)), LeastRole)
    .superRefine((wanted, context) => {
      for (const { name, least } of commands)
        if (!mayAct(wanted[name] ?? least, least))
          context.addIssue({ code: 'custom', path: [name], message: `must be ${least} or more` })
    })
    .transform((wanted): RepoSettings['permissions'] => ({ ...usual, ...wanted }))
    .prefault({})
    .describe('The permission that a command needs, if it is more than usual.')
}

export interface FileSlips {
  path: string
  count: number
}

export function problemsText(problems: readonly YamlProblem[], path = settingsPath): string {
  const shown = problems
    .slice(0, 10)
    .map((problem, at) => problemText(at === 0 ? path : '', problem))
  const more = problems.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
