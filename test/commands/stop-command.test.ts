/** What `/codex stop` decides, from facts, without a service. */
import { describe } from 'vitest'
import { reject } from '../../src/commands/command.ts'
import { stopCommand } from '../../src/commands/stop-command.ts'
import { issueThread, minute, pullThread, t0, working } from '../core/given.ts'
import { asking, comment, decides, ended, live, onPull, tick } from './asked.ts'

describe('what asks for none', () => {
  const writtenBefore = asking({ ...comment, at: t0 - minute })
  decides(stopCommand, [
    ['where nothing goes on', { isDone: false }, reject('nothingToStop')],
    ['while one works', { live }, { kind: 'message', runId: live.id, message: { kind: 'stop' } }],
    ['written before the run was asked for', { live }, reject('askedSince'), writtenBefore],
    [
      'on the pull request of an issue whose run works',
      { live: undefined, beside: live },
      { kind: 'message', runId: live.id, message: { kind: 'stop' }, beside: issueThread },
      onPull,
    ],
    [
      'there, while its own run only ends',
      { live: { ...ended, thread: pullThread }, beside: live },
      { kind: 'message', beside: issueThread },
      onPull,
    ],
    [
      'there, written before what was said to the run',
      { live: undefined, beside: working({ mailbox: { lastWordsAt: t0 + 2 * minute } }) },
      reject('askedSince'),
      onPull,
    ],
    ['by the box of another run', { live }, reject('nothingToStop'), asking(tick)],
    ['by its own box', { live }, { kind: 'message' }, asking({ ...tick, run: live.id })],
    [
      'by its own box, in the second in which a box had begun it',
      { live: working({ request: { ...live.request, at: t0, origin: { kind: 'tick' } } }) },
      { kind: 'message' },
      asking({ ...tick, at: t0, run: live.id }),
    ],
    [
      'by its own box, which the run saw before',
      { isDone: true },
      { kind: 'silence' },
      asking(tick),
    ],
  ])
})
