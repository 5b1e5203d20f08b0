/**
 * Every setting of `.github/codex.yml`. Schemas and docs/settings.md are made from it (`npm run schema`).
 */
import { z } from 'zod'
import { isBranchName } from '../model/branch-name.ts'
import { PermissionMode, ReasoningEffort } from '../model/codex-task-run-create.ts'
import { roles } from '../model/command-grammar.ts'
import {
  bothTexts,
  bothYes,
  group,
  inBoth,
  keyByKey,
  lessEffort,
  lower,
  lowerByName,
  lowest,
  setting,
  someOfBoth,
  stricterRole,
} from './setting.ts'

export const LeastRole = z.enum(roles).exclude(['none']).describe('The least role.')

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

const onWithdrawal = (when: string) =>
  setting(z.enum(['stop', 'continue']).default('stop').describe(when), { rule: lower })

const toPull = (usual: boolean, what: string) =>
  setting(z.boolean().default(usual).describe(what), { rule: lower })

const most = (usual: number, what: string) =>
  setting(z.number().int().min(1).max(10_000).describe(what).default(usual), { rule: lowest, ceiling: true })

export const settings = {
  branch: setting(
    z
      .enum(['issue', 'default'])
      .describe(
        'Where the agent works for an issue: `issue`, on a branch of its own; `default`, on the default branch, or on `base`.',
      )
      .default('issue'),
    { rule: lower, proposed: true, kept: true },
  ),
  base: setting(
    z
      .string()
      .refine(isBranchName, 'must be the name of a branch')
      .optional()
      .describe(
        'The branch that work for an issue starts from, and where its pull request goes; else the default branch.',
      ),
    { rule: lower, proposed: true, kept: true, example: 'develop' },
  ),
  branch_prefix: setting(
    z
      .string()
      .max(60)
      .refine(
        prefix => /[/_-]$/.test(prefix) && isBranchName(`${prefix}issue-1`),
        'must begin the name of a branch, and end in /, - or _',
      )
      .describe('What the names of branches begin with that the bot makes, before `issue-7-login-is-flaky`.')
      .default('codex/'),
    { rule: lower, proposed: true, kept: true },
  ),
  model: setting(
    z.string().min(1).optional().describe('The model of a run that asks for none; else that of the bot.'),
    { rule: lower, proposed: true, example: 'gpt-5.5' },
  ),
  effort: setting(
    ReasoningEffort.optional().describe(
      'How hard it thinks when a run does not say; else as the bot is set up.',
    ),
    { rule: lower, proposed: true, example: 'high' },
  ),
  mode: setting(
    z.enum(['background', 'interactive']).describe('How PostHog runs the agent.').default('background'),
    { rule: lower, proposed: true },
  ),
  permission: setting(
    PermissionMode.optional().describe('What the agent may do in its sandbox. A plan is always `read-only`.'),
    { rule: lower, proposed: true, example: 'auto' },
  ),
  sandbox: setting(
    z
      .string()
      .min(1)
      .optional()
      .describe('The PostHog sandbox environment, by name or id: one that whoever runs the bot grants.'),
    { rule: lower, example: 'My environment' },
  ),
  as_user: setting(
    z
      .boolean()
      .default(false)
      .describe('Whether `--as-user` may be used here, if whoever runs the bot grants it.'),
    { rule: bothYes },
  ),
  attachments: setting(
    z
      .boolean()
      .describe('Whether files attached to the thread and the command are passed to the agent.')
      .default(true),
    { rule: lower, proposed: true, kept: true },
  ),
  instructions: setting(
    z
      .string()
      .trim()
      .min(1)
      .max(4_000)
      .optional()
      .describe(
        'What every agent is told here beside what is asked. Those of owner and repository both count.',
      ),
    {
      rule: bothTexts,
      proposed: true,
      kept: true,
      example: 'Run `make check` before you publish. Write commit messages in English.',
    },
  ),
  chatty: setting(
    z
      .boolean()
      .describe(
        'Whether every end is told in a comment of its own. If not, none is where a pull request, commits or a stop say it.',
      )
      .default(true),
    { rule: lower, proposed: true, kept: true },
  ),
  labels: setting(
    z
      .record(z.string().regex(/^[\w.-]{1,40}$/), Preset)
      .default({})
      .describe('Labels `codex:<name>` of your own, and what each stands for.'),
    {
      rule: lowerByName,
      example: {
        docs: {
          instruction: 'Bring the docs up to date.',
          plan: false,
          model: 'gpt-5.5',
          effort: 'low',
          sandbox: 'My environment',
        },
      },
    },
  ),
  when: group(
    z
      .strictObject({
        closed: onWithdrawal('When the issue or pull request is closed.'),
        deleted: onWithdrawal('When the comment that asked is deleted.'),
        unlabeled: onWithdrawal('When the label that asked is taken off.'),
      })
      .prefault({})
      .describe('What becomes of a run whose reason is taken away.'),
    { kept: true },
  ),
  pull_request: group(
    z
      .strictObject({
        assign: toPull(true, 'Assign it to the person who asked.'),
        review: toPull(false, 'Ask them for a review instead: one mail, not two.'),
        title: setting(
          z
            .string()
            .trim()
            .min(1)
            .max(200)
            .refine(
              title => !/\{(?!title\}|number\})/.test(title),
              'may have `{title}` and `{number}` in it, and no other braces',
            )
            .optional()
            .describe(
              'What it is called: `{title}` is the title of the issue, `{number}` its number. Else as the agent calls it.',
            ),
          { rule: lower, example: 'Codex: {title} (#{number})' },
        ),
        labels: setting(
          z
            .array(z.string().trim().min(1).max(50))
            .max(10)
            .default([])
            .describe('Labels that it gets. They must exist.'),
          { rule: lower },
        ),
        draft: toPull(
          true,
          'Leave it a draft. If not, it is marked as ready for review when the run has ended with it.',
        ),
      })
      .prefault({})
      .describe('What is done with the pull request of a run.'),
    { kept: true },
  ),
  permissions: setting(
    z
      .partialRecord(z.string(), LeastRole)
      .default({})
      .describe('The least role for a command, where it is to be more than usual.'),
    { rule: stricterRole, example: { approve: 'maintain' } },
  ),
  allow: group(
    z
      .strictObject({
        users: setting(
          z
            .array(
              z
                .string()
                .regex(
                  /^[A-Za-z0-9_-]{1,39}(?::[1-9]\d{0,14})?$/,
                  'must be logins, or login:number; there is no wildcard',
                ),
            )
            .default([])
            .describe(
              'Logins. One is the account that used it here first; `login:number` is that account, whatever it is called.',
            ),
          { rule: inBoth },
        ),
        teams: setting(
          z
            .array(z.string().regex(/^[\w.-]{1,100}$/, 'must be team slugs'))
            .default([])
            .describe('Slugs of teams of the organization.'),
          { rule: inBoth },
        ),
        apps: setting(
          z.array(z.number().int().positive()).default([]).describe('GitHub Apps, by their number.'),
          { rule: inBoth },
        ),
      })
      .prefault({})
      .describe('Who may use every command whatever their role.'),
    {},
  ),
  models: setting(
    z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('The models that may be asked for; all when absent.'),
    { rule: someOfBoth, example: ['gpt-5.5'] },
  ),
  efforts: setting(
    z
      .array(ReasoningEffort)
      .min(1)
      .optional()
      .describe('The efforts that may be asked for; all when absent.'),
    { rule: someOfBoth, example: ['low', 'medium'] },
  ),
  head_moved: setting(
    z
      .enum(['continue', 'ask'])
      .describe(
        'When commits were pushed to a pull request between the command and its start: go on and say so, or ask.',
      )
      .default('continue'),
    { rule: lower, proposed: true, kept: true },
  ),
  limits: group(
    z
      .strictObject({
        repository: most(50, 'Under way at once in this repository.'),
        person: most(50, 'Under way at once for one person.'),
        owner: most(200, 'Under way at once in all repositories of the same owner.'),
        repository_per_day: most(1000, 'Started in 24 hours in this repository.'),
        person_per_day: most(500, 'Started in 24 hours for one person.'),
        owner_per_day: most(5000, 'Started in 24 hours in all repositories of the same owner.'),
        thread_per_day: most(100, 'Started in 24 hours in one issue or pull request.'),
        bots_per_thread_per_day: most(20, 'Started by bots in 24 hours in one issue or pull request.'),
        repository_per_5_minutes: most(200, 'Started in five minutes in this repository.'),
        open_pull_requests: setting(
          z
            .number()
            .int()
            .min(1)
            .max(10_000)
            .optional()
            .describe(
              'Pull requests of the bot that may be open at once in this repository; new work waits.',
            ),
          { rule: lowest, ceiling: true, example: 20 },
        ),
        cost_per_day: setting(
          z
            .number()
            .positive()
            .max(1_000_000)
            .optional()
            .describe('US dollars that the runs of this repository may cost in 24 hours. More work waits.'),
          { rule: lowest, ceiling: true, example: 50 },
        ),
        person_cost_per_day: setting(
          z
            .number()
            .positive()
            .max(1_000_000)
            .optional()
            .describe('The same, for the runs of one person here.'),
          { rule: lowest, ceiling: true, example: 20 },
        ),
        owner_cost_per_day: setting(
          z
            .number()
            .positive()
            .max(1_000_000)
            .optional()
            .describe('The same, for the runs in all repositories of the same owner.'),
          { rule: lowest, ceiling: true, example: 200 },
        ),
        cost_per_run: setting(
          z
            .number()
            .positive()
            .max(1_000_000)
            .optional()
            .describe(
              'US dollars after which a session takes no more instructions: `--new` starts another one.',
            ),
          { rule: lowest, ceiling: true, example: 10 },
        ),
        max_effort: setting(ReasoningEffort.optional().describe('The most effort that may be asked for.'), {
          rule: lessEffort,
          ceiling: true,
          example: 'high',
        }),
        when_reached: setting(
          z
            .enum(['wait', 'refuse'])
            .default('wait')
            .describe(
              'Whether a run beyond a limit waits for its turn, or is refused with the time to ask again.',
            ),
          { rule: lower },
        ),
      })
      .prefault({})
      .describe('How many runs there may be, how hard they may think, and what becomes of more.'),
    { kept: true },
  ),
}

export const RepoSettings = z.strictObject(settings)
export type RepoSettings = z.infer<typeof RepoSettings>

export type Given = z.input<typeof RepoSettings>

export const ofBoth = keyByKey<Given>(settings).join

export const defaultSettings: RepoSettings = RepoSettings.parse({})
