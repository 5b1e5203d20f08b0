/** Why work is not started: each rule by itself, and which is told first. */
import { describe, expect, test } from 'vitest'
import { type Rejected, reject } from '../../src/commands/command.ts'
import { agreeOn, type StartToCheck } from '../../src/commands/may-start.ts'
import { type Options, presets } from '../../src/core/command/options.ts'
import { refusals } from '../../src/core/words/refusals.ts'
import { replies } from '../../src/core/words/replies.ts'
import { head, pull, runWith } from '../core/given.ts'
import { asking, comment, conversation, fork, held, label, marker, onPull } from './asked.ts'

const theirs = {
  number: 20,
  title: 'I am on it',
  url: 'https://github.com/acme/shop/pull/20',
  branch: 'sam/x',
}
const wanting = (wanted: Partial<StartToCheck['wanted']>): Partial<StartToCheck> => ({
  wanted: { what: 'work', options: {}, ...wanted },
})
const costs = (cost: number): Partial<StartToCheck> => ({
  conversation: { ...conversation, lastRun: runWith({ session: { cost } }) },
  held: held('limits: { cost_per_run: 10 }'),
})
const merged = { conversation: { ...conversation, pull: { ...pull, state: 'merged' as const } } }
const withPull = {
  conversation: { ...conversation, marker: { ...marker, made: 'made', pull: 9 }, pull },
}
const noModel = wanting({ options: { model: 'gpt-9' } })
const model = reject('model', 'gpt-9', undefined, held().known.models)

const given = (options: Options): Partial<StartToCheck> => ({ given: options })
const onFork = { request: onPull, head: fork }
const ofDefault = { request: onPull, head: { ...head, ref: 'main' } }
const labelled = (name: string): Partial<StartToCheck> => ({
  request: asking({ ...label, label: name }),
})
const slips = { problem: 'line 2', slips: [] }
const unusable = { held: held('', { usable: false, ...slips }) }
const noPreset = (name: string, meant?: string) => reject('preset', name, meant, presets)
const doubling = { closers: [theirs] }
const otherPull = reject('hasPull', [theirs], '')
const from = (branch: string | undefined): Partial<StartToCheck> => ({
  conversation: { ...withPull.conversation, pull: undefined },
  closers: [{ ...theirs, branch }],
})

const refusal = (...differs: Partial<StartToCheck>[]) =>
  agreeOn(
    Object.assign(
      { request: asking(comment), given: {}, ...wanting({}), held: held(), closers: [] },
      ...differs,
    ),
  ).refused

describe('work is refused', () => {
  test.each<[rule: string, start: Partial<StartToCheck>, reply: Rejected]>([
    [
      'for a preset that only every object has',
      labelled('codex:constructor'),
      noPreset('constructor'),
    ],
    [
      'with another base than its open pull request has',
      { ...withPull, ...given({ base: 'x' }) },
      reject('baseTaken', 9, 'main'),
    ],
    ['on a pull request of the default branch', ofDefault, reject('defaultBranch')],
    [
      'with the default branch named',
      wanting({ options: { branch: 'main' } }),
      reject('defaultBranch'),
    ],
    [
      'in such a session once more, which the reply says',
      { ...costs(10), again: true },
      reject('sessionCost', 10, 10, true),
    ],
    ['while one from a fork does, whatever its branch is called', from(undefined), otherPull],
    [
      'while one does, for a new session',
      { ...withPull, ...doubling, ...given({ new: true }) },
      otherPull,
    ],
  ])('%s', (_, start, reply) => expect(refusal(start)).toEqual(reply))

  test.each<[string, Partial<StartToCheck>, string | undefined]>([
    [
      'what was written',
      { request: asking(comment, { line: '--effort high fix it' }) },
      '--effort high fix it',
    ],
    [
      'no words that go on below',
      { request: asking(comment, { line: 'fix it', text: 'fix it\nsoon' }) },
      undefined,
    ],
    ['no words of a label', { request: asking(label, { text: '' }) }, ''],
    ['a retry', { again: true }, 'retry'],
  ])('while another pull request is open, and the reply repeats %s', (_, start, words) =>
    expect(refusal(doubling, start)).toEqual(reject('hasPull', [theirs], words)),
  )

  test('with the slips of the settings below the reply', () =>
    expect(refusal(onFork, { held: held('', slips) })).toEqual({
      ...reject('fork'),
      reply: replies.besideSlips(refusals.fork(), slips),
    }))

  test('for each reason of the list that stands before the others', () => {
    const all = [
      [unusable, reject('badSettings', slips)],
      [labelled('codex:paln'), noPreset('paln', 'plan')],
      [given({ base: 'x' }), reject('baseOfPull')],
      [onFork, reject('fork')],
      [noModel, model],
      [costs(10), reject('sessionCost', 10, 10)],
      [doubling, otherPull],
    ] as const
    const told = all.map((_, n) =>
      refusal(
        ...all
          .slice(n)
          .map(([start]) => start)
          .toReversed(),
      ),
    )
    expect(told).toEqual(all.map(([, reply]) => reply))
  })
})

test.each<[string, Partial<StartToCheck>]>([
  ['where nothing speaks against it', {}],
  ['with the base that its pull request has', { ...withPull, ...given({ base: 'main' }) }],
  ['with another base in a new session', { ...withPull, ...given({ base: 'x', new: true }) }],
  ['with another base than a merged pull request had', { ...merged, ...given({ base: 'x' }) }],
  [
    'with a base for another branch',
    { request: onPull, head, ...given({ base: 'x', branch: 'y' }) },
  ],
  ['for words alone on a fork', { ...onFork, ...wanting({ what: 'ask' }) }],
  [
    'for words alone on a pull request of the default branch',
    { ...ofDefault, ...wanting({ what: 'plan' }) },
  ],
  [
    'on another branch than the default one of its pull request',
    { ...ofDefault, ...wanting({ options: { branch: 'y' } }) },
  ],
  ['in a session that may cost more', costs(9)],
  ['in a new session, whatever the last one has cost', { ...costs(10), ...given({ new: true }) }],
  ['while the pull request of its session is open', from('made')],
  ['while a pull request of a branch for this issue is open', from('codex/issue-7-login')],
  ['while its own pull request is open, and another', { ...withPull, ...doubling }],
  ['by force, while another is open', { ...doubling, ...wanting({ options: { force: true } }) }],
  ['for a plan, while another is open', { ...doubling, ...wanting({ what: 'plan' }) }],
  [
    'for what a plan says, while another is open',
    { ...doubling, ...wanting({ approves: { plan: 'run-1' } }) },
  ],
])('work is not refused %s', (_, start) => expect(refusal(start)).toBeUndefined())
