/** Who may use a command: by their role at GitHub, or by name in the settings. */
import { mayAct, type Role } from '../core/model/command-grammar.ts'
import { isNotFound } from '../core/model/errors.ts'
import type { ThreadClient } from '../core/model/ports.ts'
import type { Person } from '../core/model/thread.ts'
import type { Permission } from '../core/model/views.ts'
import type { Signer } from '../core/record/marker.ts'
import { believeAbsent, type RefusedReads } from '../core/record/outage.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'

export interface Accounts {
  /** Whether the login is still the account that it was at first. @param usedBefore is called for an unknown one */
  isSame(repoId: number, person: Person, usedBefore: () => Promise<number | undefined>): Promise<boolean>
}

export interface PersonCheck {
  github: Pick<ThreadClient, 'permission' | 'isInTeam' | 'ownCommentsOfRepository'>
  accounts: Accounts
  signer: Signer
  repoId: number
  settings: RepoSettings
  reads: RefusedReads
}

export interface Allowance {
  may: boolean
  least: Role
  role: string
  trusted: boolean
}

export async function allowanceOf(check: PersonCheck, person: Person, name: string): Promise<Allowance> {
  const permission = await permissionOf(check.github, person, check.reads)
  const named = needsName(permission, name, check.settings) && (await isNamed(check, person))
  return allowance({ ...permission, named }, name, check.settings)
}

export const needsName = ({ role }: Permission, name: string, settings: RepoSettings): boolean =>
  !mayAct(role, 'write') || !mayAct(role, leastFor(name, settings))

export function allowance(
  { role, name: roleName, named }: Permission & { named: boolean },
  name: string,
  settings: RepoSettings,
): Allowance {
  const least = leastFor(name, settings)
  return { may: mayAct(role, least) || named, least, role: roleName, trusted: mayAct(role, 'write') || named }
}

const leastFor = (name: string, { permissions }: RepoSettings): Role => permissions[name] ?? 'admin'

const noPermission: Permission = { role: 'none', name: 'none' }

export async function permissionOf(
  github: PersonCheck['github'],
  person: Person,
  reads: RefusedReads,
): Promise<Permission> {
  // Apps have no role: they pass by number or not at all.
  if (person.app !== undefined) return noPermission
  try {
    return await github.permission(person.login)
  } catch (error) {
    if (!isNotFound(error)) throw error
    return believeAbsent(`The account ${person.login}`, reads) ?? noPermission
  }
}

export async function isNamed(check: PersonCheck, person: Person): Promise<boolean> {
  const { github, settings } = check
  const { users, teams, apps } = settings.allow
  if (person.app !== undefined) return apps.includes(person.app)
  for (const user of users) if (await isMeant(user, person, check)) return true
  for (const team of teams) if (await github.isInTeam(team, person.login)) return true
  return false
}

/** A login can change hands. Its number, or earlier use here, identifies the account. */
async function isMeant(user: string, person: Person, check: PersonCheck): Promise<boolean> {
  const [login = '', id] = user.split(':')
  if (id !== undefined) return Number(id) === person.id
  if (login.toLowerCase() !== person.login.toLowerCase()) return false
  return check.accounts.isSame(check.repoId, person, () => usedBefore(check, login))
}

interface Memory {
  github: Pick<ThreadClient, 'ownCommentsOfRepository'>
  signer: Signer
  repoId: number
}

async function usedBefore({ github, signer, repoId }: Memory, login: string): Promise<number | undefined> {
  const newestFirst = await github.ownCommentsOfRepository()
  const authors = newestFirst
    .flatMap(({ number, body }) => signer.read(body, { repoId, number }))
    .flatMap(({ backup }) => backup?.request.by ?? [])
  return authors.findLast(by => by.app === undefined && by.login.toLowerCase() === login.toLowerCase())?.id
}
