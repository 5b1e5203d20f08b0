/** What `/codex stop` decides, from facts, without a service. */
import { describe, expect, test } from 'vitest'
import { stopAfter } from '../../src/access/stop-after.ts'
import { reject } from '../../src/commands/command.ts'
import { stopCommand } from '../../src/commands/stop-command.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import { issueThread, minute, pullThread, t0, working } from '../core/given.ts'
import { clientOf } from '../support/client-of.ts'
import { settingsOf } from '../support/deployment.ts'
import { fakeLog } from '../support/fake-log.ts'
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

describe('stops that wait to be judged', () => {
  const waiting = (by: number, run?: string, at = t0 + minute) => ({
    id: `stop-${by}`,
    by: { login: `person-${by}`, id: by },
    at: t0 + minute,
    read: async () => ({ moment: { at }, run }),
  })
  /** Maya may write; she is 11. */
  async function judge(unjudged: ReturnType<typeof waiting>[]) {
    let asked = 0
    const github = clientOf({
      'people.permission': async (_, id) => {
        asked += 1
        const role = id === 11 ? 'write' : 'read'
        return { role, name: role }
      },
    })
    const check = async () => ({
      github,
      settings: settingsOf(''),
      reads: { refusedSince: undefined, now: t0 },
      log: fakeLog(),
      signer: markerSigner('secret'),
    })
    const stop = await stopAfter({ at: t0, run: 'run-1' }, { judged: [], unjudged }, check)
    return { by: stop?.by.id, asked }
  }

  test.each([
    ['of who may stop ends it', [waiting(11)], { by: 11 }],
    ['by the box of its run ends it', [waiting(11, 'run-1')], { by: 11 }],
    ['that was given before it ends nothing', [waiting(11, undefined, t0 - 1)], { by: undefined }],
    ['by the box of another run ends nothing', [waiting(11, 'run-2')], { by: undefined }],
    [
      'of a hundred people asks GitHub of the last five alone',
      Array.from({ length: 100 }, (_, n) => waiting(100 + n)),
      { by: undefined, asked: 5 },
    ],
  ])('one %s', async (_, unjudged, came) => expect(await judge(unjudged)).toMatchObject(came))
})
