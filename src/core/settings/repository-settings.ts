/**
 * `.github/codex.yml`, read from the default branch only. A file that is wrong anywhere counts for nothing: half of
 * somebody's rules is worse than none of them, and the thread is told which lines it is.
 */
import { z } from 'zod'
import { PermissionMode, ReasoningEffort } from '../agent/run-request.ts'
import type { CommandGrammar } from '../command/grammar.ts'
import { mayAct, roles } from '../model/role.ts'
import { problemText, readSettingsFile, type SettingsProblem } from './settings-file.ts'

const Preset = z.strictObject({
  plan: z.boolean().optional(),
  model: z.string().min(1).optional(),
  effort: ReasoningEffort.optional(),
  sandbox: z.string().min(1).optional(),
  instruction: z.string().min(1).max(10_000).optional(),
})
export type PresetSettings = z.infer<typeof Preset>

const count = z.number().int().min(1).max(10_000)
const onWithdrawal = z.enum(['stop', 'continue']).default('stop')

const LeastRole = z.enum(roles).exclude(['none'])

export const RepoSettings = z.strictObject({
  /** Where the agent works for an issue: a branch of its own, or the default branch directly. */
  branch: z.enum(['issue', 'default']).default('issue'),
  model: z.string().min(1).optional(),
  effort: ReasoningEffort.optional(),
  mode: z.enum(['background', 'interactive']).default('background'),
  permission: PermissionMode.optional(),
  /** Name or id of a PostHog sandbox environment. */
  sandbox: z.string().min(1).optional(),
  /** Whether `--as-user` may be used here. */
  as_user: z.boolean().default(false),
  attachments: z.boolean().default(true),
  /** Labels `codex:<name>` of this repository's own. */
  labels: z.record(z.string().regex(/^[\w.-]{1,40}$/), Preset).default({}),
  /** What becomes of a run whose reason is taken away. */
  when: z
    .strictObject({ closed: onWithdrawal, deleted: onWithdrawal, unlabeled: onWithdrawal })
    .default({ closed: 'stop', deleted: 'stop', unlabeled: 'stop' }),
  pull_request: z
    .strictObject({ assign: z.boolean().default(true), review: z.boolean().default(true) })
    .default({ assign: true, review: true }),
  /** The least role for each command. */
  permissions: z.partialRecord(z.string(), LeastRole).default({}),
  /** Who may use every command whatever their role: people and teams by name, Apps by their number. */
  allow: z
    .strictObject({
      users: z
        .array(
          z
            .string()
            .regex(
              /^[A-Za-z0-9-]{1,39}(?::[1-9]\d{0,14})?$/,
              'must be logins, or login:number; there is no wildcard',
            ),
        )
        .default([]),
      teams: z.array(z.string().regex(/^[\w.-]{1,100}$/, 'must be team slugs')).default([]),
      apps: z.array(z.number().int().positive()).default([]),
    })
    .default({ users: [], teams: [], apps: [] }),
  /** The models and efforts that may be asked for; all when absent. */
  models: z.array(z.string().min(1)).min(1).optional(),
  efforts: z.array(ReasoningEffort).min(1).optional(),
  /** When commits were pushed to a pull request between the command and the start of its run. */
  head_moved: z.enum(['continue', 'ask']).default('continue'),
  limits: z
    .strictObject({
      /** Runs under way at once. */
      repository: count.default(50),
      person: count.default(50),
      /** In all repositories of one user or organization. */
      owner: count.default(200),
      /** Runs started in 24 hours. */
      repository_per_day: count.default(1000),
      person_per_day: count.default(500),
      owner_per_day: count.default(5000),
      thread_per_day: count.default(100),
      /** Of those in one thread, the ones that bots asked for. */
      bots_per_thread_per_day: count.default(20),
      /** Runs started in 5 minutes: more is no work but a loop. */
      repository_per_5_minutes: count.default(200),
      when_reached: z.enum(['wait', 'refuse']).default('wait'),
    })
    .prefault({}),
})
export type RepoSettings = z.infer<typeof RepoSettings>

export const settingsPath = '.github/codex.yml'

export const defaultSettings: RepoSettings = RepoSettings.parse({})

interface SettingsRead {
  settings: RepoSettings
  /** All of them, in the order of the file as far as it is known. */
  problems: SettingsProblem[]
}

/** @param defaults what holds for keys that the file leaves out */
export type ReadSettings = (text: string | undefined, defaults?: object) => SettingsRead

export interface SettingsFile {
  schema: z.ZodType<RepoSettings>
  read: ReadSettings
}

/** The file as the commands make it: each has its least role there, which the file may raise and never lower. */
export function repositorySettings(commands: readonly CommandGrammar[]): SettingsFile {
  const schema = RepoSettings.extend({ permissions: permissionsOf(commands) })
  return {
    schema,
    read(text, defaults = {}) {
      const usual = schema.parse(defaults)
      if (text === undefined || text.trim() === '') return { settings: usual, problems: [] }
      const read = readSettingsFile(schema, text, value =>
        typeof value === 'object' && !Array.isArray(value) ? { ...defaults, ...value } : value,
      )
      return read.kind === 'read'
        ? { settings: read.value, problems: [] }
        : { settings: usual, problems: read.problems }
    },
  }
}

function permissionsOf(commands: readonly CommandGrammar[]) {
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
}

/** So many are told; who has put these right is told the next. */
const maxTold = 10

export function problemsText(problems: readonly SettingsProblem[]): string {
  const told = problems.slice(0, maxTold).map(problem => problemText(settingsPath, problem))
  const more = problems.length - told.length
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
