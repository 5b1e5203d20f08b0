/** What `/codex status` decides, from facts, without a service. */
import { describe } from 'vitest'
import { answerWith } from '../../src/commands/command.ts'
import { statusCommand } from '../../src/commands/status-command.ts'
import { replies } from '../../src/core/words/replies.ts'
import { decides, ended, live, onPull } from './asked.ts'

describe('what asks for none', () => {
  decides(statusCommand, [
    ['for a stranger who had it', undefined, { kind: 'silence' }],
    ['while one works', { live }, answerWith(replies.status({ live }))],
    [
      'while one works in the other thread',
      { beside: live },
      answerWith(replies.status({ beside: live })),
      onPull,
    ],
    [
      'after the last one',
      { asked: true, last: ended },
      answerWith(replies.status({ last: ended, asked: true })),
    ],
    ['where nothing was asked', {}, answerWith(replies.status({}))],
  ])
})
