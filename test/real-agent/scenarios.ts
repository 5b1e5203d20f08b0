/** What is recorded: one run of the real agent each, without the bot. `npm run real -- record NAME` plays it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reply, Turn } from './model.ts'
import type { Player } from './record.ts'
import { finds, finishes, patches, question, shell, uses } from './says.ts'

export interface Scenario {
  about: string
  /** `background` unless it says so. */
  mode?: 'interactive'
  state?: Record<string, unknown>
  model: Turn[]
  /** Goes on from a run that answered "Two and two is four." */
  resumes?: true
  /** Statuses that a call of the agent-server gets in the place of its answer, once. */
  refused?: { method: string; path: string; status: number; always?: true }
  /** What `gh` answers; without it there is none. */
  gh?: 'knows-the-branch' | 'knows-another-branch'
  withoutOauthFile?: true
  /** A desktop reads its events. */
  watched?: true
  /** What to wait for at the end, in the place of the answer to the first prompt. */
  ends?: 'failed' | 'never'
  jsonSchema?: object
  act?(player: Player): Promise<unknown>
}

const sum = 'Say what 2 + 2 is.'
export const description = sum
export const firstMessage = `${sum} (message m1)`

const readme = patches('*** Begin Patch\n*** Update File: README.md\n@@\n-# demo\n+# Demo\n*** End Patch')
const four = { text: 'Two and two is four.' }
const tests: Reply = { text: 'I run the tests.', ...shell('sleep 30') }
const looks: Reply = { text: 'I look at the code.', ...shell('sleep 30') }
const later = (ms: number, reply: Reply): Turn => ({ ...reply, after: ms })
const refusal = (status: number, message: string, type: string): Reply => ({
  status,
  json: { error: { message, type } },
})
const plan = (step: string): Reply => ({ text: `<proposed_plan>\n# Plan\n1. ${step}\n</proposed_plan>` })
const steps: Reply = {
  calls: [
    {
      name: 'update_plan',
      arguments: {
        plan: [
          { step: 'Look', status: 'completed' },
          { step: 'Edit', status: 'in_progress' },
        ],
      },
    },
  ],
}
const seen = 'https://github.com/octo/demo/pull/5'
const readOnly = { initial_permission_mode: 'read-only' }
const pending = { pending_user_message: 'And 3 + 3? (message m2)', pending_user_message_id: 'm2' }
const finish = finishes('completed', undefined, 'All is done: the answer is 4.')

export const scenarios: Readonly<Record<string, Scenario>> = {
  answer: {
    about: 'One turn in background mode: the model answers with text.',
    model: [{ thinks: 'Easy.', ...four }],
  },
  'answer-interactive': {
    about: 'The same in interactive mode.',
    mode: 'interactive',
    model: [{ thinks: 'Easy.', ...four }],
  },
  'answer-with-tools': {
    about: 'Preamble, a shell command, an edit by apply_patch, a plan, a failing command, then the answer.',
    model: [
      { text: 'I look at the code first.', ...shell('cat README.md') },
      readme,
      steps,
      shell('npm test && false'),
      { thinks: 'Done.', text: 'Changed the title.' },
    ],
  },
  'append-log-refused': {
    about: 'append_log answers 400 once (in the middle): the batch is lost.',
    model: [{ text: 'Four.' }],
    refused: { method: 'POST', path: 'append_log', status: 400 },
    ends: 'never',
  },
  'bad-request': {
    about: 'The gateway refuses the request (400, unknown model).',
    model: [
      {
        status: 400,
        json: {
          error: {
            message: "The model 'gpt-5.5' does not exist or you do not have access to it.",
            type: 'invalid_request_error',
            code: 'model_not_found',
          },
        },
      },
    ],
    ends: 'failed',
  },
  'cancel-first-turn': {
    about: 'cancel during the first turn, while a command runs; then a message.',
    model: [tests, { text: 'Here again.' }],
    act: async player => {
      await player.logged('"sessionUpdate":"tool_call"')
      await player.command('cancel', {})
      await player.turns(1)
      await player.says('Are you there?', 'm2')
    },
  },
  'cancel-while-model-thinks': {
    about: 'cancel while the model streams its answer.',
    model: [{ text: 'This will take a while', hang: true }, { text: 'Here again.' }],
    act: async player => {
      await player.calls(1)
      await sleep(500)
      await player.command('cancel', {})
    },
  },
  'codex-dies': {
    about: 'The Codex process is killed in the first turn.',
    model: [tests],
    ends: 'never',
    act: async player => {
      await player.calls(1)
      await sleep(1_000)
      player.killsCodex()
      await sleep(4_000)
    },
  },
  'commands-refused': {
    about: 'Commands that are wrong.',
    model: [{ text: 'One.' }],
    act: async player => {
      await player.turns(1)
      await player.command('user_message', {})
      await player.command('user_message', { content: '   ' })
      await player.command('nonsense', {})
      await player.command('side_question', { question: 'What?' })
      await player.command('refresh_session', { mcpServers: [] })
    },
  },
  'content-policy': {
    about: 'The provider refuses for its usage policy (response.failed).',
    model: [
      {
        failed: {
          code: 'invalid_prompt',
          message: 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.',
        },
      },
    ],
    ends: 'failed',
  },
  'context-too-long': {
    about: 'The provider says that the context is too long.',
    model: [
      {
        failed: {
          code: 'context_length_exceeded',
          message: 'Your input exceeds the context window of this model.',
        },
      },
    ],
    ends: 'failed',
  },
  'empty-answer': { about: 'The model ends its turn without a word.', model: [{}] },
  'finish-completed': {
    about:
      'Background: the model finds `finish` by tool_search, calls it (completed) in the middle of its turn, and says a last word. Nobody tears the sandbox down.',
    model: [...finishes('completed', undefined, 'All is done.'), { text: 'The run is finished.' }],
  },
  'finish-failed': {
    about: 'Background: `finish` with status failed and a reason.',
    model: [...finishes('failed', 'The tests can not run here.', 'I can not go on.'), { text: 'I stopped.' }],
  },
  'finish-killed-at-once': {
    about:
      'As finish-completed, but the sandbox is killed (SIGKILL) as soon as the row is terminal, as a workflow may.',
    model: [...finish, later(1_500, { text: 'The run is finished.' })],
    ends: 'never',
    act: async player => {
      await player.row('completed')
      player.kills()
    },
  },
  'finish-killed-later': {
    about: 'As finish-completed, killed 2 s after the row is terminal.',
    model: [...finish, { text: 'The run is finished.' }],
    ends: 'never',
    act: async player => {
      await player.row('completed')
      await sleep(2_000)
      player.kills()
    },
  },
  'finish-without-oauth-file': {
    about: 'No /tmp/agent-oauth-env in the sandbox: is there a finish tool?',
    withoutOauthFile: true,
    model: [finds('finish end this run'), { text: 'Done.' }],
  },
  followup: {
    about: 'A user_message after the first turn.',
    model: [four, { text: 'Three and three is six.' }],
    act: async player => {
      await player.turns(1)
      await player.says('And 3 + 3?', 'm2')
    },
  },
  'forwarded-pending-without-id': {
    about:
      'Background: the workflow forwards the pending message without an id, while the agent-server sends it by itself.',
    model: [
      { text: 'I think.', ...shell('sleep 5') },
      later(6_000, { text: 'Four.' }),
      { text: 'Four again.' },
    ],
    act: player => player.command('user_message', { content: firstMessage }),
  },
  goal: {
    about: 'A user_message "/goal …": Codex goes on by itself, in turns that nobody asked for.',
    model: [{ text: 'One.' }, { text: 'Two.' }, { text: 'Three.' }, { hang: true, text: 'on and on' }],
    ends: 'never',
    act: async player => {
      await player.turns(1)
      await player.says('/goal Make it fast', 'm2')
      await player.calls(4)
      await sleep(2_000)
    },
  },
  'message-after-finish': {
    about: 'A user_message after `finish`, the sandbox still there.',
    model: [...finishes('completed'), { text: 'The run is finished.' }, { text: 'I am still here.' }],
    act: async player => {
      await player.turns(1)
      await player.says('One more thing.', 'm2')
    },
  },
  'message-during-first-turn': {
    about:
      'A plain user_message (not `steer`) while the first turn is at work; the model then goes on for 8 more seconds.',
    model: [
      { text: 'I run the tests.', ...shell('sleep 3') },
      later(8_000, { text: 'The tests pass.', ...shell('echo more') }),
      { text: 'I read your message: done.' },
    ],
    act: async player => {
      await player.logged('"sessionUpdate":"tool_call"')
      await player.says('Also mind the docs.', 'm2')
    },
  },
  'message-during-later-turn': {
    about: 'A plain user_message while a follow-up turn is at work.',
    model: [
      { text: 'One.' },
      { text: 'Working.', ...shell('sleep 4') },
      { text: 'Two.' },
      { text: 'Three.' },
    ],
    act: async player => {
      await player.turns(1)
      const second = player.says('Work.', 'm2')
      await player.calls(2)
      await Promise.all([second, player.says('And then?', 'm3')])
    },
  },
  'other-model': {
    about: 'Model gpt-5.4: which tools does it get, is there a plan?',
    state: { model: 'gpt-5.4' },
    model: [steps, { text: 'Done.' }],
  },
  'permission-auto-interactive': {
    about: 'Interactive, auto: a command and an edit; one with require_escalated.',
    mode: 'interactive',
    state: { initial_permission_mode: 'auto' },
    watched: true,
    model: [
      shell('touch made.txt'),
      shell('touch made2.txt', {
        sandbox_permissions: 'require_escalated',
        justification: 'May I make the file?',
      }),
      { text: 'Done.' },
    ],
  },
  'permission-background': {
    about: 'Background, read-only, with a viewer: is anything asked?',
    state: readOnly,
    watched: true,
    model: [shell('touch made.txt'), readme, { text: 'Done.' }],
  },
  'permission-cancelled': {
    about: 'Interactive, read-only: cancel while a permission is asked for.',
    mode: 'interactive',
    state: readOnly,
    watched: true,
    model: [later(2_500, shell('touch made.txt')), { text: 'Done.' }],
    act: async player => {
      const first = await player.permission(1)
      await player.command('cancel', {})
      await player.turns(1)
      await player.command('permission_response', { requestId: first, optionId: 'allow' })
    },
  },
  'permission-interactive': {
    about:
      'Interactive, read-only, a viewer of /events: a command asks (allow), a wrong option and a wrong id first; an edit asks (reject); one asks (reject with feedback).',
    mode: 'interactive',
    state: readOnly,
    watched: true,
    model: [
      later(2_500, { text: 'I make a file.', ...shell('touch made.txt') }),
      readme,
      shell('rm made.txt'),
      { text: 'I did what I might.' },
    ],
    act: async player => {
      const answer = (requestId: string, optionId: string, more: object = {}) =>
        player.command('permission_response', { requestId, optionId, ...more })
      const first = await player.permission(1)
      await answer('no-such', 'allow')
      await answer(first, 'nonsense')
      await answer(first, 'allow')
      await answer(first, 'allow')
      await answer(await player.permission(2), 'reject')
      await answer(await player.permission(3), 'reject_with_feedback', { customInput: 'Leave it there.' })
    },
  },
  'permission-unwatched': {
    about: 'Interactive, read-only, but nobody reads /events (only the event ingest).',
    mode: 'interactive',
    state: readOnly,
    model: [shell('touch made.txt'), { text: 'Done.' }],
  },
  'plan-feedback-interactive': {
    about:
      'Interactive, plan mode: the plan is refused with words, revised, then left unapproved and cancelled.',
    mode: 'interactive',
    state: { initial_permission_mode: 'plan' },
    watched: true,
    model: [plan('Use it.'), plan('Do not use it.'), { text: 'x' }],
    act: async player => {
      const requestId = await player.permission(1)
      const refused = { requestId, optionId: 'reject_with_feedback', customInput: 'Without it.' }
      await player.command('permission_response', refused)
      await player.permission(2)
      await player.command('cancel', {})
    },
  },
  'pr-mentioned': {
    about: 'The agent only mentions the URL of a PR of another branch.',
    gh: 'knows-another-branch',
    model: [{ text: `See ${seen}.` }],
  },
  'pr-opened': {
    about:
      'The agent is on its branch posthog/fix; `gh pr create` prints a URL; gh says that the head is posthog/fix.',
    gh: 'knows-the-branch',
    model: [
      shell('git checkout -q -b posthog/fix && ../bin/gh pr create --draft'),
      { text: `Opened ${seen}.` },
    ],
  },
  'pr-seen-other-branch': {
    about: 'A command prints the URL of a PR of another branch and author (as `gh pr list` does).',
    gh: 'knows-another-branch',
    model: [shell(`echo ${seen}`), { text: 'There is one.' }],
  },
  'pr-without-gh': { about: 'No gh in the sandbox.', model: [{ text: `Opened ${seen}.` }] },
  'process-ends-just-after-turn': {
    about: 'A process that the model started ends about 1 s after the end of the turn.',
    model: [
      { text: 'I start it.', ...shell('sleep 1.5; echo over', { yield_time_ms: 300 }) },
      { text: 'It runs in the background.' },
    ],
  },
  'question-auto': {
    about: 'Interactive, auto mode: request_user_input.',
    mode: 'interactive',
    state: { initial_permission_mode: 'auto' },
    watched: true,
    model: [question, { text: 'Which database do you want?' }],
  },
  'question-plan-interactive': {
    about: 'Interactive, plan mode: request_user_input, answered by option; then the plan, approved.',
    mode: 'interactive',
    state: { initial_permission_mode: 'plan' },
    watched: true,
    model: [{ text: 'I have a question.', ...question }, plan('Use it.'), readme, { text: 'I did it.' }],
    act: async player => {
      const answer = async (nth: number, optionId: string) =>
        player.command('permission_response', { requestId: await player.permission(nth), optionId })
      await answer(1, 'option_1')
      await answer(2, 'auto')
    },
  },
  'resume-cold': {
    about:
      'A new run with resume_from_run_id of an earlier one (its log given by logs/), in a fresh sandbox, with a pending message.',
    resumes: true,
    state: pending,
    model: [{ text: 'Three and three is six.' }],
  },
  'resume-log-missing': {
    about: 'As resume-cold, but the earlier log can not be had (500).',
    resumes: true,
    state: pending,
    refused: { method: 'GET', path: 'logs', status: 500, always: true },
    model: [{ text: 'Six.' }],
  },
  'resume-without-message': {
    about: 'As resume-cold, without a pending message.',
    resumes: true,
    model: [{ text: 'I go on.' }],
  },
  'sandbox-dies': {
    about: 'The whole sandbox is killed (SIGKILL) in the middle of a turn, after some words.',
    model: [looks],
    ends: 'never',
    act: async player => {
      await player.calls(1)
      await sleep(1_000)
      player.kills()
    },
  },
  'server-goes-on-printing': {
    about: 'A server that the model started goes on printing after its turn.',
    model: [
      {
        text: 'I start the server.',
        ...shell('while true; do echo tick; sleep 1; done', { yield_time_ms: 300 }),
      },
      { text: 'The server runs.' },
    ],
    act: async player => {
      await player.turns(1)
      await sleep(3_000)
    },
  },
  'set-config-option': {
    about: 'set_config_option for model, effort, mode, a wrong model, a wrong option; then a turn.',
    model: [{ text: 'One.' }, { text: 'Two.' }],
    act: async player => {
      await player.turns(1)
      const choices = [
        ['model', 'gpt-5.4'],
        ['effort', 'high'],
        ['effort', 'nonsense'],
        ['mode', 'read-only'],
        ['model', 'no-such-model'],
        ['nonsense', 'x'],
      ]
      for (const [configId, value] of choices) await player.command('set_config_option', { configId, value })
      await player.command('set_config_option', { configId: 'model' })
      await player.says('And?', 'm2')
    },
  },
  'signed-commit': {
    about: 'git_signed_commit and upload_artifact without a way to GitHub.',
    model: [
      finds('commit signed push'),
      readme,
      shell('git add -A'),
      uses('git_signed_commit', { message: 'Fix', branch: 'posthog/fix' }),
      finds('upload artifact file'),
      uses('upload_artifact', { path: 'README.md' }),
      { text: 'Done.' },
    ],
  },
  'sigterm-in-turn': {
    about: 'SIGTERM in the middle of a turn.',
    model: [looks],
    ends: 'never',
    act: async player => {
      await player.calls(1)
      await sleep(1_000)
      player.terminates()
      await sleep(6_000)
    },
  },
  'spend-limit': {
    about: 'The gateway refuses with the spend limit of the run (402).',
    model: [refusal(402, 'This agent run reached its spend limit.', 'spend_limit')],
    ends: 'failed',
  },
  'steer-first-turn': {
    about: 'user_message with steer: true during the first (startup) turn.',
    model: [{ text: 'I run the tests.', ...shell('sleep 4') }, { text: 'Done.' }],
    act: async player => {
      await player.calls(1)
      await player.command('user_message', {
        content: 'Mind the docs. (message m2)',
        messageId: 'm2',
        steer: true,
      })
    },
  },
  'structured-output': {
    about: 'The task has a json_schema.',
    jsonSchema: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] },
    model: [{ text: '{"sum":4}' }],
  },
  'upstream-429': {
    about: 'The gateway answers 429 for good.',
    model: [refusal(429, 'Rate limit reached', 'rate_limit_error')],
    ends: 'failed',
  },
  'upstream-500': {
    about: 'The gateway answers 500 for good, in the first turn of a background run.',
    model: [{ status: 500 }],
    ends: 'failed',
  },
  'upstream-500-followup-interactive': {
    about: 'Interactive: 500 for good in a follow-up turn, then a message that works.',
    mode: 'interactive',
    model: [{ text: 'One.' }, { status: 500 }],
    act: async player => {
      await player.turns(1)
      await player.says('And?', 'm2')
      player.modelSays({ text: 'Two.' })
      await player.says('Again?', 'm3')
    },
  },
  'upstream-500-after-work': {
    about: 'Some work, then 500 for good, in the first turn of a background run.',
    model: [{ text: 'I look.', ...shell('cat README.md') }, { status: 500 }],
    ends: 'failed',
  },
  'upstream-502': {
    about: 'The gateway answers 502 with a page of HTML, for good.',
    model: [{ status: 502, headers: { 'content-type': 'text/html' }, json: '<html>Bad Gateway</html>' }],
    ends: 'failed',
  },
  'upstream-hiccup': {
    about: 'The gateway answers 500 once, then well: Codex tries again by itself.',
    model: [{ status: 500 }, { text: 'Four.' }],
  },
  'usage-limit-gateway': {
    about: 'The gateway says that the organisation is at its limit (429 with its words).',
    model: [
      refusal(
        429,
        'Your organization has reached its usage limit for this billing period.',
        'rate_limit_error',
      ),
    ],
    ends: 'failed',
  },
}
