/** What `/codex approve` decides, from facts, without a service. */
import { describe, expect } from 'vitest'
import { approveCommand } from '../../src/commands/approve-command.ts'
import { reject } from '../../src/commands/command.ts'
import { ask, working } from '../core/given.ts'
import { decides, doing, ended, free, live } from './asked.ts'

describe('what asks for work', () => {
  const planning = working({ request: { ...ask, what: 'plan' } })
  const plan = {
    approves: { plan: 'run-1', branch: 'codex/x', sha: 'a'.repeat(40) },
    options: { model: 'gpt-5.6' },
    mayGo: false,
    run: planning,
  }
  const unmoved = { name: 'codex/x', sha: 'a'.repeat(40) }
  const moved = { ...unmoved, sha: 'f'.repeat(40) }
  const outdated = reject('planOutdated', moved.name, moved.sha)
  const approving = (now: typeof unmoved | undefined, mayGo = false) => ({
    plan: { ...plan, mayGo },
    now,
    isAsSaid: true,
    ...free(),
  })
  const changedPlan = { ...approving(unmoved), isAsSaid: false }
  decides(approveCommand, [
    ['without a plan', {}, reject('nothingToApprove')],
    ['while another works', { live }, reject('stillGoing', 'approve')],
    ['while the plan is being made', { live: planning }, { kind: 'wait' }],
    ['when the plan was told', { live: ended }, { kind: 'take-over' }],
    [
      'that may have been changed',
      {
        ...changedPlan,
        plan: { ...plan, mayGo: false, approves: { ...plan.approves, text: '1. So' } },
      },
      { kind: 'show-plan', run: planning },
    ],
    [
      'that may have been, and is not known any more',
      changedPlan,
      reject('planChanged', undefined),
    ],
    ['where its branch is gone', approving(undefined), reject('planElsewhere', 'codex/x')],
    [
      'where its branch went unused',
      approving(undefined, true),
      doing({ what: 'work', approves: expect.not.objectContaining({ branch: expect.anything() }) }),
    ],
    ['where its branch had no commit, and has moved', approving(moved, true), outdated],
    ['where its branch has moved', approving(moved), outdated],
    [
      'as it was made',
      approving(unmoved),
      doing({ what: 'work', approves: plan.approves, options: { model: 'gpt-5.6' } }),
    ],
  ])
})
