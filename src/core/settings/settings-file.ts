/** A YAML file that is checked by a schema: what it says, or all that is wrong with it, by line and key. */
import type { z } from 'zod'
import { readYaml } from '../text/yaml.ts'

export interface SettingsProblem {
  /** From 1; `undefined` where the parser gives none. */
  line: number | undefined
  /** `labels.docs.effort`; empty for the file as a whole. */
  key: string
  message: string
}

export type FileRead<T> = { kind: 'read'; value: T } | { kind: 'problems'; problems: SettingsProblem[] }

/** @param complete fills in what the file leaves out, before it is checked */
export function readSettingsFile<T>(
  schema: z.ZodType<T>,
  text: string,
  complete: (value: unknown) => unknown = value => value,
): FileRead<T> {
  const yaml = readYaml(text)
  if (yaml.kind === 'problems')
    return { kind: 'problems', problems: yaml.problems.map(problem => ({ ...problem, key: '' })) }
  const parsed = schema.safeParse(complete(yaml.value ?? {}))
  if (parsed.success) return { kind: 'read', value: parsed.data }
  const problems = parsed.error.issues
    .flatMap(placesOf)
    .map(({ path, message }) => ({ line: yaml.lineOf(path), key: path.join('.'), message }))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return { kind: 'problems', problems }
}

/** A name that is not known is a problem each. */
function placesOf(issue: z.core.$ZodIssue): { path: string[]; message: string }[] {
  const path = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
  return issue.keys.map(key => ({ path: [...path, key], message: 'is not a setting' }))
}

export const problemText = (path: string, { line, key, message }: SettingsProblem): string =>
  [path, line === undefined ? '' : `line ${line}`, key === '' ? '' : `\`${key}\``, message]
    .filter(part => part !== '')
    .join(', ')
