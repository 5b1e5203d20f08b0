/** Every setting of every layer is shown to change what the bot does, by a test that is named here. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { settingsKeys } from '../../scripts/settings-schema.ts'

type Shown = readonly [file: string, title: string]

const request: Shown = ['stories/settings.test.ts', 'every field of the request can be set']
const less: Shown = [
  'stories/less-settings.test.ts',
  'no files are passed on, and nobody is assigned or asked for a review',
]
const shape: Shown = [
  'stories/pull-shape.test.ts',
  'has the title, the labels and the state that they say',
]
const atOnce: Shown = [
  'stories/less-settings.test.ts',
  'one run of a person at once, and of an owner where whoever runs the bot wants it',
]
const preset: Shown = ['stories/settings.test.ts', 'a label of its own carries a preset']
const offered: Shown = [
  'commands/check-options.test.ts',
  'only offered models and no more than the highest effort are taken',
]
const windows: Shown = ['core/admission.test.ts', 'owner_per_day: 1']
const layers: Shown = ['core/layers.test.ts', 'a ceiling is never loosened from below']
const ownerSays: Shown = ['stories/owner-settings.test.ts', 'they hold in all repositories']
const granted: Shown = ['security/grants.test.ts', 'what is granted is had']
const tenants: Shown = ['stories/tenants.test.ts', 'stay with their owner']

const repository: Readonly<Record<string, Shown>> = {
  base: ['stories/bases.test.ts', 'is set for a repository'],
  branch_prefix: [
    'stories/settings.test.ts',
    'branches are called as the settings say, and found again',
  ],
  model: request,
  effort: request,
  mode: request,
  permission: request,
  sandbox: request,
  as_user: ['stories/settings.test.ts', '--as-user needs the settings to allow it'],
  attachments: less,
  instructions: ownerSays,
  comments: ['stories/few-comments.test.ts', 'come: the last word alone'],
  'context.bots': [
    'stories/reviewing-bots.test.ts',
    'starts nothing, stands in the last word, and a tick sends the agent to fix it',
  ],
  'labels.state': [
    'stories/state-labels.test.ts',
    'says that Codex works and that it has ended, one at a time, made where it is missing',
  ],
  'labels.*.plan': preset,
  'labels.*.model': preset,
  'labels.*.effort': preset,
  'labels.*.sandbox': preset,
  'labels.*.instruction': preset,
  'pull_request.assign': less,
  'pull_request.review': less,
  'pull_request.title': shape,
  'pull_request.labels': shape,
  'pull_request.draft': shape,
  'review.resolve': [
    'stories/resolved-threads.test.ts',
    'is resolved when the agent fixed it, and stays open with the reason when it did not',
  ],
  'permissions.*': ['commands/authorize.test.ts', 'permissions: { run: admin }'],
  'allow.users': ['commands/authorize.test.ts', 'users'],
  'allow.teams': ['commands/authorize.test.ts', 'teams'],
  models: offered,
  'limits.repository': [
    'stories/settings.test.ts',
    'runs beyond the limit wait for their turn, and say so',
  ],
  'limits.person': atOnce,
  'limits.repository_per_day': ['core/admission.test.ts', 'holds one more than its number'],
  'pull_request.approval': [
    'stories/approval.test.ts',
    'who did not ask: the check on each new commit waits, and is green once they did',
  ],
  'limits.fix_rounds': [
    'stories/fix.test.ts',
    'is asked for no more often than the settings say, unless somebody insists',
  ],
  'limits.open_pull_requests': [
    'stories/reasons-to-wait.test.ts',
    'has new work wait, with the list, until one of Codex’s own ends',
  ],
  'limits.cost_per_day': [
    'stories/reasons-to-wait.test.ts',
    'is told when it is near, and holds the next run when it is reached',
  ],
  'limits.cost_per_run': [
    'stories/reasons-to-wait.test.ts',
    'of a session refuses more words for it',
  ],
  'limits.max_effort': ownerSays,
}

/** By the beginning of the key. */
const deployment: Readonly<Record<string, Shown>> = {
  'owners.*.as_user': granted,
  'owners.*.signal_report': granted,
  'owners.*.sandboxes': granted,
  'owners.*.limits.owner': atOnce,
  'owners.*.limits.owner_per_day': windows,
  'owners.*.limits': layers,
  'owners.*.models': ['security/grants.test.ts', 'only models that the owner may use are taken'],
  'owners.*.posthog': tenants,
  'owners.*.settings': [
    'security/grants.test.ts',
    'an owner’s file that can not be read is not an absent one',
  ],
  'owners.*.trigger': ['stories/trigger-words.test.ts', 'has a third name for one owner'],
  'limits.total': ['stories/settings-file.test.ts', 'a limit of 0 holds at once'],
  limits: [
    'security/grants.test.ts',
    'a ceiling of the deployment holds whatever the repository says',
  ],
  defaults: [
    'stories/settings-file.test.ts',
    'its defaults hold where no file of owner or repository says otherwise',
  ],
  'trigger.word': ['stories/trigger-words.test.ts', 'is heard by it and by nothing else'],
  'trigger.labels': ['stories/trigger-words.test.ts', 'has labels of its own'],
}

const keys = settingsKeys()
const begins = (key: string) =>
  Object.keys(deployment).find(name => key === name || key.startsWith(`${name}.`))

test('every key of a file of owner or repository', () =>
  expect(Object.keys(repository).toSorted()).toEqual(
    [...(keys.get('schema/v1/codex.schema.json') ?? [])].toSorted(),
  ))

test('every key of the deployment', () => {
  const all = keys.get('schema/v1/settings.schema.json') ?? []
  expect(all.filter(key => begins(key) === undefined)).toEqual([])
  expect(Object.keys(deployment).filter(name => !all.some(key => begins(key) === name))).toEqual([])
})

test.each([...Object.entries(repository), ...Object.entries(deployment)])(
  '%s',
  (_, [file, title]) =>
    expect(readFileSync(join(import.meta.dirname, '..', file), 'utf8')).toContain(title),
)
