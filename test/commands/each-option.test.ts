/** What becomes of each option in each state of a thread, and at PostHog. */
import { describe, expect, test } from 'vitest'
import { approveCommand } from '../../src/commands/approve-command.ts'
import { askCommand } from '../../src/commands/ask-command.ts'
import type { Command, Decision, Reads } from '../../src/commands/command.ts'
import type { CommandTrigger } from '../../src/commands/command-context.ts'
import { planCommand } from '../../src/commands/plan-command.ts'
import { retryCommand } from '../../src/commands/retry-command.ts'
import { runCommand } from '../../src/commands/run-command.ts'
import type { SettingsToStart } from '../../src/commands/run-options.ts'
import { runRequest } from '../../src/core/agent/run-request.ts'
import {
  flagOf,
  infoOf,
  type OptionName,
  Options,
  optionNames,
} from '../../src/core/command/options.ts'
import type { PullHead } from '../../src/core/model/thread.ts'
import { agentFailure } from '../../src/core/record/agent-failures.ts'
import { mayServe, RunOptions, rightsOf } from '../../src/core/record/request-part.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { DeploymentSettings, grantsOf } from '../../src/core/settings/deployment-settings.ts'
import {
  ask,
  branch,
  head,
  issueThread,
  pullThread,
  runWith,
  t0,
  working,
  zoe,
} from '../core/given.ts'
import { settingsOf } from '../support/deployment.ts'
import {
  asking,
  comment,
  ended,
  fork,
  held,
  live,
  marker,
  session,
  stopping,
  waitingWith,
} from './asked.ts'

describe('each option', () => {
  /** Of any that takes a text, as it is written and as it is recorded. */
  const other = '8d1ae1a0-9a44-4d32-8d0c-3a7be2a0d7e1'
  const only = (name: OptionName): Options => {
    const { takes } = infoOf(name)
    switch (takes.kind) {
      case 'text':
        return Options.parse({ [name]: other })
      case 'choice':
        return Options.parse({ [name]: takes.of[0] })
      default:
        return Options.parse({ [name]: takes.means })
    }
  }
  const anything = { as_user: true, signal_report: true, sandboxes: [other] }
  const granted = held('as_user: true', {
    grants: grantsOf(DeploymentSettings.parse({ owners: { 5: anything } }), issueThread.ownerId),
  })

  interface State {
    command?: Command
    trigger?: CommandTrigger
    live?: Run
    last?: Run
    head?: PullHead
    settings?: SettingsToStart
    /** Which Runs have the option, if not only the one that is asked for now. */
    has?: 'before' | 'both'
  }

  const readsIn = ({ live, last, head, command, settings = granted }: State): Reads => {
    const known: Partial<Record<keyof Reads, unknown>> = {
      live: async () => live,
      isOurs: () => true,
      head: async () => head,
      settings: async () => settings,
      conversation: async () =>
        last && {
          marker: { ...marker, what: last.request.what },
          session: { ...session, may: rightsOf(last.request.options, '') },
          pull: undefined,
          lastRun: last,
        },
      models: async () => [...settings.known.models, { name: other, efforts: undefined }],
      branch: async (name: string) => ({ name, sha: branch.sha }),
      sandboxes: async () => [{ id: other, name: other }],
      usual: settings.usual,
      closers: async () =>
        command === runCommand || command === retryCommand ? [] : expect.fail('for words'),
      inline: async () => undefined,
      template: async () => undefined,
      shown: async () => undefined,
      isPlanAsSaid: async () => true,
    }
    return known as Reads
  }

  const having = (name: OptionName, run: Run | undefined): Run | undefined => {
    const options = RunOptions.parse({ ...ask.options, ...only(name) })
    const at = { ...branch, name: options.branch ?? branch.name, into: options.base ?? branch.into }
    return run && changed(run, { request: { ...run.request, options }, workspace: { branch: at } })
  }

  const sessionIn = ({ session: { earlier }, request }: Run): string => {
    if (!earlier) return ''
    if (earlier.resumes === false) return ', in a new session'
    return mayServe(earlier, rightsOf(request.options, ''))
      ? ', in its task run'
      : ', in a new task run'
  }

  function inWords(decision: Decision, name: OptionName): string {
    if (decision.kind === 'reply')
      return `refused: ${decision.reply.text.replaceAll(/`[^`]*`/g, '…').split('.')[0]}`
    if (decision.kind === 'message' && decision.message.kind === 'follow-up')
      return decision.message.forces ? 'joins, and starts it' : 'joins'
    if (decision.kind === 'wait') return 'waits'
    if (decision.kind !== 'start') return decision.kind
    const options: Options = decision.run.request.options
    return `starts ${options[name] === only(name)[name] ? 'with' : 'without'} it${sessionIn(decision.run)}`
  }

  async function decided(
    name: OptionName,
    { trigger = comment, command = runCommand, has, ...state }: State,
  ) {
    const before = has && { live: having(name, state.live), last: having(name, state.last) }
    const request = asking(trigger, {
      text: 'and in blue',
      options: has === 'before' ? {} : only(name),
    })
    const facts = await command.facts(readsIn({ ...state, ...before, command }), request)
    return inWords(command.decide(request, facts), name)
  }

  const options =
    '--model --effort --branch --base --force --new --sandbox --as-user --signal-report'
  type Outcomes = Record<string, string>
  /** One outcome for all options that there are, but for these. */
  const all = (outcome: string, others: Outcomes = {}): Outcomes => {
    const each = { [options]: outcome, ...others }
    return Object.assign({}, ...Object.entries(each).map(([flags, of]) => ofEach(flags, of)))
  }
  const ofEach = (flags: string, outcome: string) =>
    Object.fromEntries(flags.split(' ').map(flag => [flag, outcome]))

  const outcomes = async (outcomeOf: (name: OptionName) => Promise<string> | string) =>
    Object.fromEntries(
      await Promise.all(
        optionNames.map(async name => [flagOf(name), await outcomeOf(name)] as const),
      ),
    )

  const byZoe = { ...comment, sender: zoe }
  const onPullThread = { ...comment, thread: pullThread }
  const finished = working({ result: { outcome: { kind: 'answer' } } })
  const failed = working({
    result: { outcome: agentFailure({ class: 'agent_error', text: 'overloaded' }) },
  })
  const planned = runWith({
    request: { ...ask, what: 'plan' },
    result: { outcome: { kind: 'answer' } },
  })
  const questioned = runWith({
    request: { ...ask, what: 'ask', options: { ...ask.options, permission: 'read-only' } },
    result: { outcome: { kind: 'answer' } },
  })
  const whileOneWorks = all('waits', { '--force': 'joins' })
  const unlessNew = (outcome: string, without = 'starts without it') =>
    all(outcome, { '--new': without })
  const newSession = 'starts without it, in a new session'
  const sameTaskRun = 'starts without it, in its task run'
  const ofPull = { '--base': 'refused: a pull request has a base already' }
  const answering = working({ request: { ...ask, at: t0, what: 'ask' } })

  // A new option is missing in all of them, until what becomes of it is held here.
  test.each<[string, State, Outcomes]>([
    ['nothing runs', {}, unlessNew('starts with it')],
    [
      'nothing is granted',
      { settings: held('as_user: true') },
      {
        ...unlessNew('starts with it'),
        '--sandbox': 'refused: this bot does not allow that sandbox environment in this repository',
        ...ofEach(
          '--as-user --signal-report',
          'refused: this bot does not allow … in this repository',
        ),
      },
    ],
    [
      'the repository allows nothing',
      { settings: { ...granted, settings: settingsOf() } },
      { ...unlessNew('starts with it'), '--as-user': 'refused: this repository does not allow …' },
    ],
    ['a run works', { live }, whileOneWorks],
    ['a run works that somebody else asked for', { live, trigger: byZoe }, whileOneWorks],
    ['a run works that has it', { live, has: 'both' }, unlessNew('joins', 'waits')],
    ['a run works that has it, for words without it', { live, has: 'before' }, all('joins')],
    ['a run works, for a plan', { live, command: planCommand }, all('waits')],
    ['a run works, for a question', { live, command: askCommand }, all('waits')],
    [
      'a question is being answered, for another one',
      { live: answering, command: askCommand },
      all('waits'),
    ],
    ['a question is being answered, for work', { live: answering }, all('waits')],
    ['a run is being stopped', { live: stopping }, whileOneWorks],
    ['a run has told its result', { live: ended }, all('take-over', { '--force': 'joins' })],
    [
      'a run waits for another issue',
      { live: waitingWith({ kind: 'blocked', since: t0, by: [], more: 0 }) },
      { ...whileOneWorks, '--force': 'joins, and starts it' },
    ],
    [
      'a run waits in line',
      { live: waitingWith({ kind: 'line', ahead: 1, of: 'owner' }) },
      whileOneWorks,
    ],
    [
      'a run can go on',
      { last: finished },
      {
        ...unlessNew('starts with it, in a new task run', newSession),
        ...ofEach('--branch --base --force', 'starts with it, in its task run'),
      },
    ],
    [
      'a run can go on that had it',
      { last: finished, has: 'both' },
      unlessNew('starts with it, in its task run', newSession),
    ],
    [
      'a run can go on that had it, for words without it',
      { last: finished, has: 'before' },
      all('starts with it, in its task run', { '--branch --force --new': sameTaskRun }),
    ],
    [
      'a run failed, for a retry',
      { last: failed, command: retryCommand },
      unlessNew('starts with it, in a new session', newSession),
    ],
    [
      'a run failed that had it, for a retry without it',
      { last: failed, command: retryCommand, has: 'before' },
      all('starts with it, in a new session', { '--force --new': newSession }),
    ],
    [
      'a plan had it that is approved',
      { last: planned, command: approveCommand, has: 'before' },
      all('starts with it, in its task run', { '--force --new': sameTaskRun }),
    ],
    [
      'a question was answered, for work',
      { last: questioned },
      unlessNew('starts with it, in a new task run', newSession),
    ],
    [
      'a pull request is asked for more',
      { head, trigger: onPullThread },
      { ...unlessNew('starts with it'), ...ofPull },
    ],
    [
      'a fork is asked for work',
      { head: fork, trigger: onPullThread },
      all('refused: this pull request comes from a fork', ofPull),
    ],
    ...[planCommand, askCommand].map((command): [string, State, Outcomes] => [
      `a fork is asked, for ${command.name}`,
      { head: fork, trigger: onPullThread, command },
      { ...unlessNew('starts with it'), ...ofPull },
    ]),
  ])('where %s', async (_, state, expected) =>
    expect(await outcomes(name => decided(name, state))).toEqual(expected),
  )

  test('at PostHog', async () => {
    const bodyWith = (options: Options) =>
      Object.entries(runRequest({ ...ask.options, ...options, branch: 'b', prompt: 'p' }))
    const usual = new Map(bodyWith({}))
    const fieldsOf = (name: OptionName): string => {
      const changes = bodyWith(only(name)).filter(([key, value]) => usual.get(key) !== value)
      return changes.map(([key]) => key).join()
    }
    expect(await outcomes(fieldsOf)).toEqual(
      all('', {
        '--model': 'model',
        '--effort': 'reasoning_effort',
        '--sandbox': 'sandbox_environment_id',
        '--as-user': 'pr_authorship_mode',
        '--signal-report': 'run_source,signal_report_id',
      }),
    )
  })
})
