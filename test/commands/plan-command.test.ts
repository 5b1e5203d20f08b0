/** What `/codex plan` decides, from facts, without a service. */
import { describe } from 'vitest'
import { reject } from '../../src/commands/command.ts'
import { planCommand } from '../../src/commands/plan-command.ts'
import { decides, doing, free, labelled, settled, startsPlan } from './asked.ts'

describe('what asks for work', () => {
  decides(planCommand, [
    ['in a thread of its own', free(), startsPlan],
    ['by a label', free(), startsPlan, labelled('codex:plan')],
    [
      'by a label of the settings',
      settled('labels: {look: {plan: true, effort: low}}'),
      doing({ what: 'plan', options: { effort: 'low' } }),
      labelled('codex:look'),
    ],
    ['where agents wait for permissions', settled('mode: interactive'), reject('planInteractive')],
  ])
})
