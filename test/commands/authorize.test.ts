/** Who may use a command. */
import { describe, expect, test } from 'vitest'
import { allowance, isTrusted, mayUseNow } from '../../src/access/authorize.ts'
import type { Role } from '../../src/core/model/command-grammar.ts'
import { NoResponse, Rejected } from '../../src/core/model/errors.ts'
import type { ReadRefusals } from '../../src/core/record/retries.ts'
import { limits } from '../../src/core/record/timing.ts'
import { clientOf } from '../support/client-of.ts'
import { settingsOf } from '../support/deployment.ts'
import { fakeLogOf } from '../support/fake-log.ts'

const zoe = { login: 'zoe', id: 12 }

const gitHub = (role: Role | number | undefined, teams: string[] = []) => ({
  'people.permission': async (_: string, id?: number) => {
    expect(id, 'asked by the login alone, which may be of another account by now').toBeDefined()
    if (typeof role === 'number') throw new Rejected('github', role, '', 'no')
    return role && { role, name: role }
  },
  'people.isInTeam': async (team: string) => teams.includes(team),
})

const logged: object[] = []
const log = fakeLogOf(fields => logged.push(fields))
const may = async (
  role: Role | number | undefined,
  file: string,
  person = zoe,
  teams?: string[],
  reads: ReadRefusals = { refusedSince: undefined, now: 0 },
) => {
  const settings = settingsOf(file)
  const github = clientOf(gitHub(role, teams))
  return mayUseNow({ github, settings, reads, log }, person, 'run')
}

describe('starting a run', () => {
  const byNumber = 'allow: { users: ["zoe:12"] }'
  test.each<[file: string, role: Role, may: boolean, person?: typeof zoe, teams?: string[]]>([
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
    ['allow: { teams: [core] }', 'read', true, zoe, ['core']],
    ['allow: { teams: [core] }', 'read', false, zoe, ['other']],
    [byNumber, 'read', true],
    [byNumber, 'triage', true],
    ['allow: { users: ["zoe:112"] }', 'read', false],
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

  test('somebody unknown to GitHub has none, if that is so for seconds', async () => {
    const refusedFor = (ms: number) =>
      may(404, '', zoe, [], { refusedSince: 1_000, now: 1_000 + ms })
    await expect(may(404, '')).rejects.toMatchObject({ status: 404, of: 'read' })
    await expect(refusedFor(limits.absent - 1)).rejects.toThrow('zoe is not there')
    expect(await refusedFor(limits.absent)).toBe(false)
  })

  test('any other refusal is no answer', async () =>
    await expect(may(403, '')).rejects.toThrow(Rejected))
})

test('whom the settings name is no stranger', () =>
  expect(isTrusted({ role: 'read', name: 'read', named: true })).toBe(true))

test('a command that no setting tells of is for admins', () => {
  const may = (role: Role) => allowance({ role, name: role }, 'other', settingsOf('')).may
  expect([may('maintain'), may('admin')]).toEqual([false, true])
})
