/** Who may use a command. */
import { describe, expect, test } from 'vitest'
import { mayUseNow } from '../../src/access/authorize.ts'
import type { Role } from '../../src/core/model/command-grammar.ts'
import { NoResponse, Rejected } from '../../src/core/model/errors.ts'
import type { Person } from '../../src/core/model/thread.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import { backupOf } from '../../src/core/record/recovery-record.ts'
import type { ReadRefusals } from '../../src/core/record/retries.ts'
import { limits } from '../../src/core/record/timing.ts'
import { runWith } from '../core/given.ts'
import { clientOf } from '../support/client-of.ts'
import { memoryAccounts, settingsOf } from '../support/deployment.ts'
import { fakeLogOf } from '../support/fake-log.ts'

const zoe = { login: 'zoe', id: 12 }

const gitHub = (
  role: Role | number | undefined,
  teams: string[] = [],
  comments: Comments = [],
) => ({
  'people.permission': async (_: string, id?: number) => {
    expect(id, 'asked by the login alone, which may be of another account by now').toBeDefined()
    if (typeof role === 'number') throw new Rejected('github', role, '', 'no')
    return role && { role, name: role }
  },
  'people.isInTeam': async (team: string) => teams.includes(team),
  'comments.ownOfRepository': async () => comments,
})

const logged: object[] = []
const log = fakeLogOf(fields => logged.push(fields))
const signer = markerSigner('a key of thirty-two letters, say')
type Comments = { number: number; body: string }[]

/** The status comment of a run that somebody asked for. */
const statusOf = (by: Person, { key = signer, number = 7, repo = 100 } = {}): Comments[number] => {
  const run = runWith({ request: { ...runWith({}).request, by } })
  const backup = backupOf(run)
  return {
    number,
    body: `words\n${key.write({ run: run.id, repo, thread: 7, as: 'status', backup })}`,
  }
}

const may = async (
  role: Role | number | undefined,
  file: string,
  person = zoe,
  teams?: string[],
  accounts = memoryAccounts(),
  comments: Comments = [],
  reads: ReadRefusals = { refusedSince: undefined, now: 0 },
) => {
  const settings = settingsOf(file)
  const github = clientOf(gitHub(role, teams, comments))
  const asked = { github, accounts, signer, repoId: 100, settings, reads, log }
  return mayUseNow(asked, person, 'run')
}

describe('starting a run', () => {
  const byNumber = 'allow: { users: ["zoe:12"] }'
  test.each<[file: string, role: Role, may: boolean, person?: Person, teams?: string[]]>([
    ['', 'none', false],
    ['', 'read', false],
    ['', 'triage', false],
    ['', 'write', true],
    ['', 'maintain', true],
    ['', 'admin', true],
    // Settings only demand more.
    ['permissions: { run: admin }', 'maintain', false],
    ['permissions: { run: admin }', 'admin', true],
    ['permissions: { run: read }', 'read', false],
    ['permissions: { stop: admin }', 'write', true],
    ['allow: { users: [Zoe] }', 'read', true],
    ['allow: { users: [Zoe] }', 'triage', true],
    ['allow: { users: [maya] }', 'read', false],
    ['allow: { teams: [core] }', 'read', true, zoe, ['core']],
    ['allow: { teams: [core] }', 'read', false, zoe, ['other']],
    [byNumber, 'read', true],
    [byNumber, 'read', false, { ...zoe, id: 99 }],
    [byNumber, 'read', true, { ...zoe, login: 'renamed' }],
  ])(
    'with the settings “%s” as %s: %s, for %j',
    async (file, role, expected, person = zoe, teams = []) =>
      expect(await may(role, file, person, teams)).toBe(expected),
  )

  test('nobody whose login is another account’s, whatever team that is in', async () =>
    expect(await may(undefined, 'allow: { teams: [core] }', zoe, ['core'])).toBe(false))

  test('an unreadable team lets nobody in, and none is asked of whose role is enough', async () => {
    const file = 'allow: { teams: [core] }'
    const asks = (role: Role, error: Error) =>
      mayUseNow(
        {
          github: clientOf({ ...gitHub(role), 'people.isInTeam': () => Promise.reject(error) }),
          accounts: memoryAccounts(),
          signer,
          repoId: 100,
          settings: settingsOf(file),
          reads: { refusedSince: undefined, now: 0 },
          log,
        },
        zoe,
        'run',
      )
    const refused = new Rejected('github', 403, '', 'Resource not accessible by integration')
    expect(await may('read', file, zoe, ['core'])).toBe(true)
    expect(await asks('write', refused)).toBe(true)
    expect(logged).toEqual([])
    expect(await asks('none', refused)).toBe(false)
    expect(logged).toEqual([{ team: 'core', err: refused }])
    await expect(asks('none', new NoResponse('github', 'GitHub did not answer'))).rejects.toThrow()
  })

  test('a login that is another account by now is not the one that was let in', async () => {
    const accounts = memoryAccounts()
    const file = 'allow: { users: [zoe] }'
    expect(await may('read', file, zoe, [], accounts)).toBe(true)
    expect(await may('read', file, { ...zoe, id: 99 }, [], accounts)).toBe(false)
    expect(await may('read', file, { ...zoe, login: 'Zoe' }, [], accounts)).toBe(true)
  })

  const byLogin = 'allow: { users: [zoe] }'
  const taken = { ...zoe, id: 99 }

  test('a queue without its data knows by the markers of our comments which account a login was', async () => {
    const comments = [
      statusOf({ ...taken, login: 'maya' }),
      statusOf(zoe),
      statusOf({ login: 'sam', id: 13 }),
    ]
    for (const [person, expected] of [
      [taken, false],
      [{ ...zoe, login: 'Zoe' }, true],
    ] as const) {
      const afterLoss = memoryAccounts()
      expect(await may('read', byLogin, person, [], afterLoss, comments)).toBe(expected)
      // It is remembered from then on, whoever asked first.
      expect(await may('read', byLogin, taken, [], afterLoss)).toBe(false)
      expect(await may('read', byLogin, zoe, [], afterLoss)).toBe(true)
    }
  })

  test('the account that came first is the one, not what somebody else signed or copied', async () => {
    const comments = [
      statusOf(taken),
      statusOf(zoe),
      statusOf({ ...zoe, id: 98 }, { key: markerSigner('another key of thirty-two letters') }),
      statusOf({ ...zoe, id: 97 }, { number: 8 }),
      statusOf({ ...zoe, id: 96 }, { repo: 101 }),
    ]
    expect(await may('read', byLogin, taken, [], memoryAccounts(), comments)).toBe(false)
    expect(await may('read', byLogin, zoe, [], memoryAccounts(), comments)).toBe(true)
  })

  test('a login that is in neither is whoever uses it next, but for one with its number, and the log says so', async () => {
    const said: string[] = []
    expect(await may('read', byLogin, zoe, [], memoryAccounts(said))).toBe(true)
    const afterLoss = memoryAccounts(said)
    expect(await may('read', byLogin, taken, [], afterLoss)).toBe(true)
    expect(await may('read', 'allow: { users: ["zoe:12"] }', taken, [], afterLoss)).toBe(false)
    await may('read', byLogin, taken, [], afterLoss)
    expect(said).toEqual([
      'allow.users: write zoe:12, so that it always means this account',
      'allow.users: write zoe:99, so that it always means this account',
    ])
  })

  test('somebody unknown to GitHub has none, if that is so for seconds', async () => {
    const refusedFor = (ms: number) =>
      may(404, '', zoe, [], memoryAccounts(), [], { refusedSince: 1_000, now: 1_000 + ms })
    await expect(may(404, '')).rejects.toMatchObject({ status: 404, of: 'read' })
    await expect(refusedFor(limits.absent - 1)).rejects.toThrow('zoe is not there')
    expect(await refusedFor(limits.absent)).toBe(false)
  })

  test('any other refusal is no answer', async () =>
    await expect(may(403, '')).rejects.toThrow(Rejected))
})
