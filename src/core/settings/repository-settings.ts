/**
 * `.github/codex.yml`, of a repository and of an owner's `.github` repository, read from the default branch only. A file
 * that is wrong anywhere counts for nothing: half of somebody's rules is worse than none of them, and the thread is
 * told which lines it is.
 */
import { z } from 'zod'
import { PermissionMode, ReasoningEffort } from '../agent/run-request.ts'
import type { CommandGrammar } from '../command/grammar.ts'
import { isBranchName } from '../model/branch-name.ts'
import { mayAct, roles } from '../model/role.ts'
import { problemText, readSettingsFile, type SettingsProblem } from './settings-file.ts'

const onWithdrawal = z.enum(['stop', 'continue']).default('stop')

const LeastRole = z.enum(roles).exclude(['none']).describe('The least role.')

const Preset = z
  .strictObject({
    plan: z.boolean().optional().describe('Only plan.'),
    model: z.string().min(1).optional().describe('The model.'),
    effort: ReasoningEffort.optional().describe('How hard it thinks.'),
    sandbox: z.string().min(1).optional().describe('The PostHog sandbox environment, by name or id.'),
    instruction: z
      .string()
      .min(1)
      .max(10_000)
      .optional()
      .describe('What the agent is asked to do, instead of the issue or pull request itself.'),
  })
  .describe('What this label stands for.')
export type PresetSettings = z.infer<typeof Preset>

const count = z.number().int().min(1).max(10_000)

/** What a key means is written here once: for editors, for the documents and for whoever reads the code. */
export const RepoSettings = z.strictObject({
  branch: z
    .enum(['issue', 'default'])
    .describe(
      'Where the agent works for an issue: `issue`, on a branch of its own; `default`, on the default branch.',
    )
    .default('issue'),
  branch_prefix: z
    .string()
    .max(60)
    .refine(
      prefix => /[/_-]$/.test(prefix) && isBranchName(`${prefix}issue-1`),
      'must begin the name of a branch, and end in /, - or _',
    )
    .describe('What the names of branches begin with that the bot makes, before `issue-7-login-is-flaky`.')
    .default('codex/'),
  model: z.string().min(1).optional().describe('The model of a run that asks for none.'),
  effort: ReasoningEffort.optional().describe('How hard it thinks when a run does not say.'),
  mode: z.enum(['background', 'interactive']).describe('How PostHog runs the agent.').default('background'),
  permission: PermissionMode.optional().describe(
    'What the agent may do in its sandbox. A plan is always `read-only`.',
  ),
  sandbox: z.string().min(1).optional().describe('The PostHog sandbox environment, by name or id.'),
  as_user: z.boolean().default(false).describe('Whether `--as-user` may be used here.'),
  attachments: z
    .boolean()
    .describe('Whether files attached to the thread and the command are passed to the agent.')
    .default(true),
  instructions: z
    .string()
    .trim()
    .min(1)
    .max(4_000)
    .optional()
    .describe(
      'What every agent is told here beside what is asked. Those of owner and repository both count.',
    ),
  chatty: z
    .boolean()
    .describe(
      'Whether every end is told in a comment of its own. If not, none is where a pull request, commits or a stop say it.',
    )
    .default(true),
  labels: z
    .record(z.string().regex(/^[\w.-]{1,40}$/), Preset)
    .default({})
    .describe('Labels `codex:<name>` of your own, and what each stands for.'),
  when: z
    .strictObject({
      closed: onWithdrawal.describe('When the issue or pull request is closed.'),
      deleted: onWithdrawal.describe('When the comment that asked is deleted.'),
      unlabeled: onWithdrawal.describe('When the label that asked is taken off.'),
    })
    .prefault({})
    .describe('What becomes of a run whose reason is taken away.'),
  pull_request: z
    .strictObject({
      assign: z.boolean().default(true).describe('Assign it to the person who asked.'),
      review: z.boolean().default(true).describe('Ask them for a review.'),
    })
    .prefault({})
    .describe('What is done with the pull request of a run.'),
  permissions: z
    .partialRecord(z.string(), LeastRole)
    .default({})
    .describe('The least role for a command, where it is to be more than usual.'),
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
        .default([])
        .describe('Logins.'),
      teams: z
        .array(z.string().regex(/^[\w.-]{1,100}$/, 'must be team slugs'))
        .default([])
        .describe('Slugs of teams of the organization.'),
      apps: z.array(z.number().int().positive()).default([]).describe('GitHub Apps, by their number.'),
    })
    .prefault({})
    .describe('Who may use every command whatever their role.'),
  models: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('The models that may be asked for; all when absent.'),
  efforts: z
    .array(ReasoningEffort)
    .min(1)
    .optional()
    .describe('The efforts that may be asked for; all when absent.'),
  head_moved: z
    .enum(['continue', 'ask'])
    .describe(
      'When commits were pushed to a pull request between the command and its start: go on and say so, or ask.',
    )
    .default('continue'),
  limits: z
    .strictObject({
      repository: count.describe('Under way at once in this repository.').default(50),
      person: count.describe('Under way at once for one person.').default(50),
      owner: count.describe('Under way at once in all repositories of the same owner.').default(200),
      repository_per_day: count.describe('Started in 24 hours in this repository.').default(1000),
      person_per_day: count.describe('Started in 24 hours for one person.').default(500),
      owner_per_day: count
        .describe('Started in 24 hours in all repositories of the same owner.')
        .default(5000),
      thread_per_day: count.describe('Started in 24 hours in one issue or pull request.').default(100),
      bots_per_thread_per_day: count
        .describe('Started by bots in 24 hours in one issue or pull request.')
        .default(20),
      repository_per_5_minutes: count.describe('Started in five minutes in this repository.').default(200),
      max_effort: ReasoningEffort.optional().describe('The most effort that may be asked for.'),
      when_reached: z
        .enum(['wait', 'refuse'])
        .default('wait')
        .describe(
          'Whether a run beyond a limit waits for its turn, or is refused with the time to ask again.',
        ),
    })
    .prefault({})
    .describe('How many runs there may be, how hard they may think, and what becomes of more.'),
})
export type RepoSettings = z.infer<typeof RepoSettings>

export type Given = z.input<typeof RepoSettings>

export const settingsPath = '.github/codex.yml'

export const defaultSettings: RepoSettings = RepoSettings.parse({})

export interface SettingsRead {
  given: Given
  /** All of them, in the order of the file as far as it is known. */
  problems: SettingsProblem[]
  lineOf(path: readonly string[]): number | undefined
}

export interface SettingsFile {
  schema: z.ZodType<RepoSettings>
  read(text: string | undefined): SettingsRead
  complete(given: Given): RepoSettings
}

/** The file as the commands make it: each has its least role there, which the file may raise and never lower. */
export function repositorySettings(commands: readonly CommandGrammar[]): SettingsFile {
  const schema = RepoSettings.extend({ permissions: permissionsOf(commands) })
  return {
    schema,
    read(text = '') {
      const read = readSettingsFile(schema, text)
      return read.kind === 'read'
        ? // What the schema takes is what it lets in.
          { given: read.written as Given, problems: [], lineOf: read.lineOf }
        : { given: {}, problems: read.problems, lineOf: () => undefined }
    },
    complete: given => schema.parse(given),
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
    .describe('The least role for a command, where it is to be more than usual.')
}

/** So many are told; who has put these right is told the next. */
const maxTold = 10

export function problemsText(problems: readonly SettingsProblem[], path = settingsPath): string {
  const told = problems.slice(0, maxTold).map(problem => problemText(path, problem))
  const more = problems.length - told.length
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
