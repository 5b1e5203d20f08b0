/**
 * Every setting of `.github/codex.yml`. Schemas and docs/settings.md are made from it (`npm run schema`).
 */
import { z } from 'zod'
import { isBranchName } from '../model/branch-name.ts'
import { PermissionMode, ReasoningEffort } from '../model/codex-task-run-create.ts'
import { roles } from '../model/command-grammar.ts'
import {
  bothTexts,
  formed,
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

const nonEmpty = z.string().min(1)

const PresetOfLabel = z
  .strictObject({
    plan: z.boolean().optional().describe('Only plans.'),
    model: nonEmpty.optional().describe('The model.'),
    effort: ReasoningEffort.optional().describe('How hard the model thinks.'),
    sandbox: nonEmpty.optional().describe('The PostHog sandbox environment, by name or id.'),
    instruction: nonEmpty
      .max(10_000)
      .optional()
      .describe('The instruction for the agent, instead of the issue or pull request itself.'),
  })
  .describe('What this label means.')

const flag = (about: string, usual: boolean) =>
  setting(about, z.boolean().default(usual), { rule: lower })

const mostRuns = (least: 0 | 1) => z.int().min(least).max(10_000)

/** @param least nothing starts if it may be 0, and is */
const limitOf = (about: string, usual: number, least: 0 | 1 = 1) =>
  setting(about, mostRuns(least).default(usual), { rule: lowest, ceiling: true })

const usDollars = z.number().positive().max(1_000_000)

/** Only `SETTINGS_FILE` has it, and it has it for all owners at once. */
export const mostInBot = mostRuns(0)
  .optional()
  .describe(
    'Runs at the same time in the whole bot. With 0, nothing starts anywhere. Without it, any number.',
  )

/** Only `SETTINGS_FILE` has these: they are about repositories whose files know nothing of each other. */
const ownerLimits = {
  owner: limitOf(
    'Runs at the same time in all repositories of the owner. With 0, nothing starts there. Without it, 200.',
    200,
    0,
  ),
  owner_per_day: limitOf(
    'Starts in 24 hours in all repositories of the owner. Without it, 5,000.',
    5000,
  ),
}

/** A login can change hands, and what it may would go with it. A number stays. */
const loginAndNumber = formed(
  /^[A-Za-z0-9_-]{1,39}:[1-9]\d{0,14}$/,
  'must be login:number, as a login can change hands: `gh api users/LOGIN --jq .id` prints the number. There is no wildcard',
)
const labelName = /^[\w.-]{1,40}$/

const ofLabels = {
  state: flag(
    'Whether a label says how the run in a thread stands: `codex:working`, `codex:needs-you` or `codex:done`. The bot makes them where they are missing.',
    false,
  ),
}

const limitsAbout = 'How many runs there may be, and how hard they may think.'

export const settings = {
  base: setting(
    'The branch where work for an issue starts and where its pull request goes. Without it, the default branch.',
    z.string().refine(isBranchName, 'must be the name of a branch').optional(),
    { rule: lower, proposed: true, kept: true, example: 'develop' },
  ),
  branch_prefix: setting(
    'The beginning of the names of branches that the bot makes, before `issue-7-login-is-flaky`.',
    z
      .string()
      .max(60)
      .refine(
        prefix => /[/_-]$/.test(prefix) && isBranchName(`${prefix}issue-1`),
        'must begin the name of a branch, and end in /, - or _',
      )
      .default('codex/'),
    { rule: lower, proposed: true, kept: true },
  ),
  model: setting(
    'The model, if the command names none. Without it, the model of the bot.',
    nonEmpty.optional(),
    {
      rule: lower,
      proposed: true,
      example: 'gpt-5.5',
    },
  ),
  effort: setting(
    'How hard the model thinks, if the command does not say it. Without it, the effort of the bot.',
    ReasoningEffort.optional(),
    { rule: lower, proposed: true, example: 'high' },
  ),
  mode: setting(
    'How PostHog runs the agent.',
    z.enum(['background', 'interactive']).default('background'),
    {
      rule: lower,
      proposed: true,
    },
  ),
  permission: setting(
    'The permission mode that PostHog is asked for. It stops nothing by itself: in the background, PostHog gives every permission. A plan is always `read-only`.',
    PermissionMode.optional(),
    { rule: lower, proposed: true, example: 'auto' },
  ),
  sandbox: setting(
    'The PostHog sandbox environment, by name or id. `SETTINGS_FILE` must grant it.',
    nonEmpty.optional(),
    { rule: lower, example: 'My environment' },
  ),
  as_user: setting(
    'Whether `--as-user` may be used here. `SETTINGS_FILE` must grant it, too.',
    z.boolean().default(false),
    { rule: wins(false) },
  ),
  attachments: setting(
    'Whether the agent gets files that are attached to the thread and the command.',
    z.boolean().default(true),
    { rule: lower, proposed: true, kept: true },
  ),
  instructions: setting(
    'Instructions for every agent here, beside the command. Those of the owner and of the repository both apply.',
    z.string().trim().min(1).max(4_000).optional(),
    {
      rule: bothTexts,
      proposed: true,
      kept: true,
      example: 'Run `make check` before you publish. Write commit messages in English.',
    },
  ),
  comments: setting(
    'What the bot writes of a run: `all` is a status that it edits, and a last comment. `outcomes` is only the last comment. Questions, refusals and what a run waits for are always comments.',
    z.enum(['all', 'outcomes']).default('all'),
    { rule: lower, proposed: true, kept: true },
  ),
  context: group(
    'What else the agent reads.',
    {
      bots: setting(
        'Apps that review pull requests, by the slug in their address: `coderabbitai`. The agent gets their reviews and open comments on lines, and they count among what a pull request needs. They start nothing. GitHub lets only Apps write there that are installed.',
        z
          .array(formed(/^[A-Za-z0-9-]{1,39}$/, 'must be the slugs of Apps'))
          .max(20)
          .default([]),
        { rule: inBoth, example: ['coderabbitai'] },
      ),
    },
    { kept: true },
  ),
  labels: setting(
    'Your own labels `codex:<name>`, and what each means.',
    z
      .object(ofLabels)
      .catchall(PresetOfLabel)
      .superRefine((given, context) => {
        for (const name of Object.keys(given).filter(each => !labelName.test(each)))
          context.addIssue({ code: 'invalid_key', origin: 'record', path: [name], issues: [] })
      })
      .prefault({})
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
    'What the bot does with the pull request of a run.',
    {
      assign: flag('Assign it to the person who asked.', true),
      review: flag('Ask the person for a review instead. That is one mail, not two.', false),
      title: setting(
        'Its title: `{title}` is the title of the issue, `{number}` its number. Without it, the agent chooses.',
        z
          .string()
          .trim()
          .min(1)
          .max(200)
          .refine(
            title => !/\{(?!title\}|number\})/.test(title),
            'may have `{title}` and `{number}` in it, and no other braces',
          )
          .optional(),
        { rule: lower, example: 'Codex: {title} (#{number})' },
      ),
      labels: setting(
        'Labels that it gets. They must exist.',
        z.array(z.string().trim().min(1).max(50)).max(10).default([]),
        { rule: lower },
      ),
      draft: flag(
        'Whether it stays a draft. With `false`, it is marked as ready for review when the run ends with it.',
        true,
      ),
      approval: setting(
        'With `somebody-else`, pull requests have the check `codex approval`. It is green when somebody with write access who did not ask for the work approved the newest commit, and at once where nothing is by Codex. Require this check in the rules of the branch, with this App as its source. A merge queue needs the App’s permission `Merge queues: read` and its event `Merge group`.',
        z.enum(['anybody', 'somebody-else']).default('anybody'),
        { rule: wins('somebody-else') },
      ),
    },
    { kept: true },
  ),
  review: group(
    'What the bot does with reviews of a pull request that an agent works on.',
    {
      resolve: flag(
        'Resolve a comment on a line when the agent says that its commits do what the comment asks, and they changed that file. The bot answers `Fixed in …` there. What the agent declined stays open, with the reason.',
        false,
      ),
    },
    { kept: true },
  ),
  permissions: setting(
    'The permission that a command needs, if it is more than usual.',
    z.partialRecord(z.string(), LeastRole).default({}),
    { rule: stricterRole, example: { approve: 'maintain' } },
  ),
  allow: group(
    'Who may use every command without the usual permission.',
    {
      users: setting(
        'People, as `login:number`. The number counts, as a login can change hands: `gh api users/maya --jq .id` prints it.',
        z.array(loginAndNumber).default([]),
        { rule: inBoth, example: ['maya:1234'] },
      ),
      teams: setting(
        'Teams of the organization, by the slug in their address. The App needs the permission `Members: read` for it.',
        z.array(formed(/^[\w.-]{1,100}$/, 'must be team slugs')).default([]),
        { rule: inBoth },
      ),
    },
    {},
  ),
  models: setting(
    'The models that commands may name. Without it, all.',
    z.array(nonEmpty).min(1).optional(),
    {
      rule: someOfBoth,
      example: ['gpt-5.5'],
    },
  ),
  limits: group(
    limitsAbout,
    {
      ...ownerLimits,
      repository: limitOf(
        'Runs at the same time in this repository. With 0, nothing starts here.',
        50,
        0,
      ),
      person: limitOf('Runs at the same time for one person. With 0, nothing starts here.', 50, 0),
      repository_per_day: limitOf('Starts in 24 hours in this repository.', 100),
      open_pull_requests: setting(
        'Open pull requests of the bot in this repository. At the limit, new work waits.',
        mostRuns(1).optional(),
        { rule: lowest, ceiling: true, example: 20 },
      ),
      fix_rounds: limitOf(
        'Times that an agent is sent to fix what one pull request needs. The three times that PostHog does it by itself count.',
        6,
      ),
      cost_per_day: setting(
        'US dollars that the runs of this repository may cost in 24 hours. More work waits.',
        usDollars.default(50),
        { rule: lowest, ceiling: true },
      ),
      cost_per_run: setting(
        'US dollars after which a session takes no more instructions: `--new` starts another one.',
        usDollars.optional(),
        { rule: lowest, ceiling: true, example: 10 },
      ),
      max_effort: setting('The highest effort that may be used.', ReasoningEffort.optional(), {
        rule: lessEffort,
        ceiling: true,
        example: 'high',
      }),
    },
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

export type GivenSettings = z.input<typeof RepoSettings>

export const ofBoth = keyByKey<GivenSettings>(settings).join

export const defaultSettings: RepoSettings = RepoSettings.parse({})
