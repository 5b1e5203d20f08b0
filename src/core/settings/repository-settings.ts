/**
 * Every setting of `.github/codex.yml`. Schemas and docs/settings.md are made from it (`npm run schema`).
 */
import { z } from 'zod'
import { isBranchName } from '../model/branch-name.ts'
import { PermissionMode, ReasoningEffort } from '../model/codex-task-run-create.ts'
import { roles } from '../model/command-grammar.ts'
import {
  bothTexts,
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
  wins,
} from './setting.ts'

export const LeastRole = z.enum(roles).exclude(['none']).describe('The permission that it needs.')

const name = z.string().min(1)

const Preset = z
  .strictObject({
    plan: z.boolean().optional().describe('Only plans.'),
    model: name.optional().describe('The model.'),
    effort: ReasoningEffort.optional().describe('How hard the model thinks.'),
    sandbox: name.optional().describe('The PostHog sandbox environment, by name or id.'),
    instruction: name
      .max(10_000)
      .optional()
      .describe('The instruction for the agent, instead of the issue or pull request itself.'),
  })
  .describe('What this label means.')

const flag = (usual: boolean, what: string) => z.boolean().default(usual).describe(what)

const yesOrNo = (usual: boolean, what: string) => setting(flag(usual, what), { rule: lower })

const mostRuns = (least: 0 | 1) => z.number().int().min(least).max(10_000)

/** @param least nothing starts if it may be 0, and is */
const most = (usual: number, what: string, least: 0 | 1 = 1) =>
  setting(mostRuns(least).describe(what).default(usual), { rule: lowest, ceiling: true })

const usDollars = z.number().positive().max(1_000_000)

/** Only `SETTINGS_FILE` has it, and it has it for all owners at once. */
export const total = mostRuns(0)
  .optional()
  .describe(
    'Runs at the same time in the whole bot. With 0, nothing starts anywhere. Without it, any number.',
  )

/** Only `SETTINGS_FILE` has these: they are about repositories whose files know nothing of each other. */
const ofOwner = {
  owner: most(
    200,
    'Runs at the same time in all repositories of the owner. With 0, nothing starts there. Without it, 200.',
    0,
  ),
  owner_per_day: most(5000, 'Starts in 24 hours in all repositories of the owner. Without it, 5,000.'),
}

const labelName = /^[\w.-]{1,40}$/

const ofLabels = {
  state: yesOrNo(
    false,
    'Whether a label says how the run in a thread stands: `codex:working`, `codex:needs-you` or `codex:done`. The bot makes them where they are missing.',
  ),
}

const limitsAbout = 'How many runs there may be, and how hard they may think.'

export const settings = {
  base: setting(
    z
      .string()
      .refine(isBranchName, 'must be the name of a branch')
      .optional()
      .describe(
        'The branch where work for an issue starts and where its pull request goes. Without it, the default branch.',
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
      .describe('The beginning of the names of branches that the bot makes, before `issue-7-login-is-flaky`.')
      .default('codex/'),
    { rule: lower, proposed: true, kept: true },
  ),
  model: setting(
    name.optional().describe('The model, if the command names none. Without it, the model of the bot.'),
    { rule: lower, proposed: true, example: 'gpt-5.5' },
  ),
  effort: setting(
    ReasoningEffort.optional().describe(
      'How hard the model thinks, if the command does not say it. Without it, the effort of the bot.',
    ),
    { rule: lower, proposed: true, example: 'high' },
  ),
  mode: setting(
    z.enum(['background', 'interactive']).describe('How PostHog runs the agent.').default('background'),
    { rule: lower, proposed: true },
  ),
  permission: setting(
    PermissionMode.optional().describe(
      'The permission mode that PostHog is asked for. It stops nothing by itself: in the background, PostHog gives every permission. A plan is always `read-only`.',
    ),
    { rule: lower, proposed: true, example: 'auto' },
  ),
  sandbox: setting(
    name
      .optional()
      .describe('The PostHog sandbox environment, by name or id. `SETTINGS_FILE` must grant it.'),
    { rule: lower, example: 'My environment' },
  ),
  as_user: setting(flag(false, 'Whether `--as-user` may be used here. `SETTINGS_FILE` must grant it, too.'), {
    rule: wins(false),
  }),
  attachments: setting(
    z
      .boolean()
      .describe('Whether the agent gets files that are attached to the thread and the command.')
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
        'Instructions for every agent here, beside the command. Those of the owner and of the repository both apply.',
      ),
    {
      rule: bothTexts,
      proposed: true,
      kept: true,
      example: 'Run `make check` before you publish. Write commit messages in English.',
    },
  ),
  comments: setting(
    z
      .enum(['all', 'outcomes'])
      .describe(
        'What the bot writes of a run: `all` is a status that it edits, and a last comment. `outcomes` is only the last comment. Questions, refusals and what a run waits for are always comments.',
      )
      .default('all'),
    { rule: lower, proposed: true, kept: true },
  ),
  context: group(
    z
      .strictObject({
        bots: setting(
          z
            .array(
              z
                .string()
                .regex(
                  /^[A-Za-z0-9-]{1,39}(?::[1-9]\d{0,14})?$/,
                  'must be the slugs of Apps, or slug:number',
                ),
            )
            .max(20)
            .default([])
            .describe(
              'Apps that review pull requests, by the slug in their address: `coderabbitai`. The agent gets their reviews and open comments on lines, and they count among what a pull request needs. They start nothing. A slug means the bot that used it here first. `slug:number` means the bot with that number, whatever its name is.',
            ),
          { rule: inBoth, example: ['coderabbitai'] },
        ),
      })
      .prefault({})
      .describe('What else the agent reads.'),
    { kept: true },
  ),
  labels: setting(
    z
      .object(ofLabels)
      .catchall(Preset)
      .superRefine((given, context) => {
        for (const name of Object.keys(given).filter(each => !labelName.test(each)))
          context.addIssue({ code: 'invalid_key', origin: 'record', path: [name], issues: [] })
      })
      .prefault({})
      .describe('Your own labels `codex:<name>`, and what each means.')
      .meta({ propertyNames: { type: 'string', pattern: labelName.source } }),
    {
      rule: lowerByName,
      below: ofLabels,
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
  pull_request: group(
    z
      .strictObject({
        assign: yesOrNo(true, 'Assign it to the person who asked.'),
        review: yesOrNo(false, 'Ask the person for a review instead. That is one mail, not two.'),
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
              'Its title: `{title}` is the title of the issue, `{number}` its number. Without it, the agent chooses.',
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
        draft: yesOrNo(
          true,
          'Whether it stays a draft. With `false`, it is marked as ready for review when the run ends with it.',
        ),
        approval: setting(
          z
            .enum(['anybody', 'somebody-else'])
            .default('anybody')
            .describe(
              'With `somebody-else`, pull requests have the check `codex approval`. It is green when somebody with write access who did not ask for the work approved the newest commit, and at once where nothing is by Codex. Require this check in the rules of the branch, with this App as its source. A merge queue needs the App’s permission `Merge queues: read` and its event `Merge group`.',
            ),
          { rule: wins('somebody-else') },
        ),
      })
      .prefault({})
      .describe('What the bot does with the pull request of a run.'),
    { kept: true },
  ),
  review: group(
    z
      .strictObject({
        resolve: yesOrNo(
          false,
          'Resolve a comment on a line when the agent says that its commits do what the comment asks, and they changed that file. The bot answers `Fixed in …` there. What the agent declined stays open, with the reason.',
        ),
      })
      .prefault({})
      .describe('What the bot does with reviews of a pull request that an agent works on.'),
    { kept: true },
  ),
  permissions: setting(
    z
      .partialRecord(z.string(), LeastRole)
      .default({})
      .describe('The permission that a command needs, if it is more than usual.'),
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
              'Logins. A login means the account that used it here first. `login:number` means that account, whatever its name is.',
            ),
          { rule: inBoth },
        ),
        teams: setting(
          z
            .array(z.string().regex(/^[\w.-]{1,100}$/, 'must be team slugs'))
            .default([])
            .describe(
              'Teams of the organization, by the slug in their address. The App needs the permission `Members: read` for it.',
            ),
          { rule: inBoth },
        ),
      })
      .prefault({})
      .describe('Who may use every command without the usual permission.'),
    {},
  ),
  models: setting(
    z.array(name).min(1).optional().describe('The models that commands may name. Without it, all.'),
    { rule: someOfBoth, example: ['gpt-5.5'] },
  ),
  efforts: setting(
    z
      .array(ReasoningEffort)
      .min(1)
      .optional()
      .describe('The efforts that commands may name. Without it, all.'),
    { rule: someOfBoth, example: ['low', 'medium'] },
  ),
  limits: group(
    z
      .strictObject({
        ...ofOwner,
        repository: most(50, 'Runs at the same time in this repository. With 0, nothing starts here.', 0),
        person: most(50, 'Runs at the same time for one person. With 0, nothing starts here.', 0),
        repository_per_day: most(100, 'Starts in 24 hours in this repository.'),
        open_pull_requests: setting(
          mostRuns(1)
            .optional()
            .describe('Open pull requests of the bot in this repository. At the limit, new work waits.'),
          { rule: lowest, ceiling: true, example: 20 },
        ),
        fix_rounds: most(
          6,
          'Times that an agent is sent to fix what one pull request needs. The three times that PostHog does it by itself count.',
        ),
        cost_per_day: setting(
          usDollars
            .describe('US dollars that the runs of this repository may cost in 24 hours. More work waits.')
            .default(50),
          { rule: lowest, ceiling: true },
        ),
        cost_per_run: setting(
          usDollars
            .optional()
            .describe(
              'US dollars after which a session takes no more instructions: `--new` starts another one.',
            ),
          { rule: lowest, ceiling: true, example: 10 },
        ),
        max_effort: setting(ReasoningEffort.optional().describe('The highest effort that may be used.'), {
          rule: lessEffort,
          ceiling: true,
          example: 'high',
        }),
      })
      .prefault({})
      .describe(limitsAbout),
    { kept: true },
  ),
}

export const RepoSettings = z.strictObject(settings)
export type RepoSettings = z.infer<typeof RepoSettings>

/** What the files of owners and repositories may have of them. */
export const limitsInFiles = settings.limits
  .unwrap()
  .omit({ owner: true, owner_per_day: true })
  .prefault({})
  .describe(limitsAbout)

export type Given = z.input<typeof RepoSettings>

export const ofBoth = keyByKey<Given>(settings).join

export const defaultSettings: RepoSettings = RepoSettings.parse({})
