/** `.github/codex.yml` of the default branch. One wrong line voids the file: half of the rules is worse than none. */
import { z } from 'zod'
import { type CommandGrammar, mayAct } from '../model/command-grammar.ts'
import { type Given, LeastRole, limitsInFiles, RepoSettings } from './repository-settings.ts'
import { problemText, readSettingsFile, type SettingsProblem } from './settings-file.ts'

export const settingsPath = '.github/codex.yml'

/** Where the bot serves its schema. */
export const settingsSchemaPath = 'schema/v1/codex.schema.json'

export interface SettingsRead {
  given: Given
  problems: SettingsProblem[]
  lineOf(path: readonly string[]): number | undefined
}

export interface SettingsFile {
  /** Of a file. */
  schema: z.ZodType
  read(text: string | undefined): SettingsRead
  complete(given: Given): RepoSettings
}

/** It may raise the role that a command needs, never lower it. */
export function repositorySettings(commands: readonly CommandGrammar[]): SettingsFile {
  const whole = RepoSettings.extend({ permissions: permissionsSchema(commands) })
  const schema = whole.extend({ limits: limitsInFiles })
  return {
    schema,
    read(text = '') {
      const read = readSettingsFile(schema, text)
      return read.kind === 'read'
        ? // What the schema takes is what it lets in.
          { given: read.written as Given, problems: [], lineOf: read.lineOf }
        : { given: {}, problems: read.problems, lineOf: () => undefined }
    },
    complete: given => whole.parse(given),
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

const maxListed = 10

export function problemsText(problems: readonly SettingsProblem[], path = settingsPath): string {
  const shown = problems.slice(0, maxListed).map(problem => problemText(path, problem))
  const more = problems.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
