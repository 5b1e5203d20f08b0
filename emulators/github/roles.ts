/** Who may do what, by GitHub's words. emulate says `push` where GitHub says `write`, and lets everybody write. */

import type { Params } from '../routes.ts'
import { type Answer, type ApiRequest, answer, notFound, type Route, repoRoute } from './http.ts'
import { textAt } from './json.ts'
import type { Memory } from './memory.ts'
import type { Upstream } from './upstream.ts'

const ROLES = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const
export type Role = (typeof ROLES)[number]

interface Parts {
  upstream: Upstream
  memory: Memory
}

/** What emulate's collaborators route calls a role. */
export const emulateRole: Record<Exclude<Role, 'none'>, string> = {
  read: 'pull',
  triage: 'triage',
  write: 'push',
  maintain: 'maintain',
  admin: 'admin',
}

/** The legacy `permission` field knows four words only. */
const legacy: Record<Role, string> = {
  none: 'none',
  read: 'read',
  triage: 'read',
  write: 'write',
  maintain: 'write',
  admin: 'admin',
}

const rank = (role: Role): number => ROLES.indexOf(role)

const isRole = (value: string): value is Role => (ROLES as readonly string[]).includes(value)

/** Undefined: no such user. */
export async function roleOf(
  { upstream, memory }: Parts,
  repository: string,
  login: string,
): Promise<Role | undefined> {
  const user = encodeURIComponent(login)
  const collaborator = await upstream.read(`/repos/${repository}/collaborators/${user}/permission`)
  const role = textAt(collaborator, 'role_name')
  if (isRole(role)) return role
  if (!(await upstream.read(`/users/${user}`))) return undefined
  return memory.repository(repository)?.private ? 'none' : 'read'
}

export async function mayAtLeast(
  parts: Parts,
  repository: string,
  login: string,
  role: Role,
): Promise<boolean> {
  return rank((await roleOf(parts, repository, login)) ?? 'none') >= rank(role)
}

async function permission(
  parts: Parts,
  _request: ApiRequest,
  { owner, name, login: encoded = '' }: Params,
): Promise<Answer> {
  const login = decodeURIComponent(encoded)
  const role = await roleOf(parts, `${owner}/${name}`, login)
  const user = await parts.upstream.read(`/users/${encodeURIComponent(login)}`)
  if (!role || !user) return notFound()
  const permissions = {
    pull: rank(role) >= rank('read'),
    triage: rank(role) >= rank('triage'),
    push: rank(role) >= rank('write'),
    maintain: rank(role) >= rank('maintain'),
    admin: role === 'admin',
  }
  return answer(200, {
    permission: legacy[role],
    role_name: role,
    user: { ...user, permissions, role_name: role },
  })
}

export function roleRoutes(parts: Parts): Route[] {
  return [repoRoute(parts)('GET', '/collaborators/:login/permission', permission)]
}
