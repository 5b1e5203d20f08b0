/** Who may use a command. */
import { describe, expect, test } from 'vitest'
import { allowanceOf } from '../../src/access/authorize.ts'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { Rejected } from '../../src/core/model/errors.ts'
import type { Role } from '../../src/core/model/role.ts'
import { memoryAccounts } from '../support/deployment.ts'

const zoe = { login: 'zoe', id: 12 }
const bot = { login: 'helper[bot]', id: 13, app: 77 }

const gitHub = (role: Role | number, teams: string[] = []) => ({
  async permission() {
    if (typeof role === 'number') throw new Rejected('github', role, '', 'no')
    return { role, name: role }
  },
  isInTeam: async (team: string) => teams.includes(team),
})

const may = async (
  role: Role | number,
  file: string,
  person: typeof zoe | typeof bot = zoe,
  teams?: string[],
  accounts = memoryAccounts(),
) => {
  const { settings } = settingsFile.read(file)
  return (await allowanceOf({ github: gitHub(role, teams), accounts, repoId: 100, settings }, person, 'run'))
    .may
}

describe('starting a run', () => {
  test.each<[Role, boolean]>([
    ['none', false],
    ['read', false],
    ['triage', false],
    ['write', true],
    ['maintain', true],
    ['admin', true],
  ])('as %s: %s', async (role, expected) => expect(await may(role, '')).toBe(expected))

  test.each<[string, Role, boolean]>([
    ['permissions: { run: admin }', 'maintain', false],
    ['permissions: { run: admin }', 'admin', true],
    ['permissions: { run: read }', 'read', false],
    ['permissions: { stop: admin }', 'write', true],
  ])('with %j as %s: %s, since settings only demand more', async (file, role, expected) =>
    expect(await may(role, file)).toBe(expected),
  )

  test.each([
    ['allow: { users: [Zoe] }', zoe, [], true],
    ['allow: { users: [maya] }', zoe, [], false],
    ['allow: { teams: [core] }', zoe, ['core'], true],
    ['allow: { teams: [core] }', zoe, ['other'], false],
    ['allow: { apps: [77] }', bot, [], true],
    ['allow: { apps: [78] }', bot, [], false],
    ['allow: { users: [helper] }', bot, [], false],
  ])('named in %j', async (file, person, teams, expected) =>
    expect(await may('read', file, person, teams)).toBe(expected),
  )

  test('a login that is another account by now is not the one that was let in', async () => {
    const accounts = memoryAccounts()
    const file = 'allow: { users: [zoe] }'
    expect(await may('read', file, zoe, [], accounts)).toBe(true)
    expect(await may('read', file, { ...zoe, id: 99 }, [], accounts)).toBe(false)
    expect(await may('read', file, { ...zoe, login: 'Zoe' }, [], accounts)).toBe(true)
  })

  test('a queue without its data lets in who uses the login next, but for a login with its number, and the log says so', async () => {
    const said: string[] = []
    const taken = { ...zoe, id: 99 }
    expect(await may('read', 'allow: { users: [zoe] }', zoe, [], memoryAccounts(said))).toBe(true)
    const afterLoss = memoryAccounts(said)
    expect(await may('read', 'allow: { users: [zoe] }', taken, [], afterLoss)).toBe(true)
    expect(await may('read', 'allow: { users: ["zoe:12"] }', taken, [], afterLoss)).toBe(false)
    await may('read', 'allow: { users: [zoe] }', taken, [], afterLoss)
    expect(said).toEqual([
      "allow.users: write zoe:12 to have it no other account's",
      "allow.users: write zoe:99 to have it no other account's",
    ])
  })

  test.each([
    ['allow: { users: ["zoe:12"] }', zoe, true],
    ['allow: { users: ["zoe:12"] }', { ...zoe, id: 99 }, false],
    ['allow: { users: ["zoe:12"] }', { ...zoe, login: 'renamed' }, true],
  ])('by number in %j: %j is %s, whatever the login is', async (file, person, expected) =>
    expect(await may('read', file, person)).toBe(expected),
  )

  test('an App has no role, whatever GitHub says', async () =>
    expect(await may('admin', '', bot)).toBe(false))

  test('somebody unknown to GitHub has none', async () => expect(await may(404, '')).toBe(false))

  test('any other refusal is no answer', async () => await expect(may(403, '')).rejects.toThrow(Rejected))
})
