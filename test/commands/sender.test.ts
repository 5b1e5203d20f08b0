import { expect, test } from 'vitest'
import { senderNow } from '../../src/access/authorize.ts'
import type { Sender } from '../../src/core/model/command-grammar.ts'
import { NoResponse } from '../../src/core/model/errors.ts'
import { limits } from '../../src/core/record/timing.ts'
import { maya, t0 } from '../core/given.ts'
import { settingsOf } from '../support/deployment.ts'

const away = new NoResponse('github', 'away')
const query = {
  person: maya,
  now: t0,
  reads: { by: () => undefined },
  github: { people: { permission: () => Promise.reject(away) } },
  check: () => Promise.reject(away),
} as unknown as Parameters<typeof senderNow>[0]

test('who could not be known for minutes stays unknown for one, and nobody is asked', async () => {
  const before: Sender = {
    kind: 'unknown',
    at: t0,
    since: t0 - limits.refusedBefore,
    why: undefined,
  }
  const check = () => expect.fail('the settings are read')
  expect(await senderNow({ ...query, before, check })).toEqual({ sender: before })
})

test('an answer that does not come is thrown on, until that has lasted for minutes', async () => {
  const first = await senderNow({ ...query, before: undefined })
  expect(first).toMatchObject({ sender: { kind: 'unknown', since: t0 }, fault: away })
  const before: Sender = {
    kind: 'unknown',
    at: t0 - 1_000,
    since: t0 - limits.refusedBefore,
    why: undefined,
  }
  expect(
    (await senderNow({ ...query, before: { ...before, at: t0 - 61_000 } })).fault,
  ).toBeUndefined()
})

test.each([
  ['a minute ago is not asked for again', 59_999, 'write'],
  ['longer ago is asked for again', 60_001, 'read'],
])('the role that GitHub said %s', async (_, ago, role) => {
  const before: Sender = { kind: 'known', at: t0 - ago, role: 'write', name: 'write' }
  const people = { permission: async () => ({ role: 'read', name: 'read' }) }
  const check = async () => ({ settings: settingsOf('') })
  const now = { ...query, before, check, github: { people } }
  expect((await senderNow(now as unknown as typeof query)).sender).toMatchObject({ role })
})
