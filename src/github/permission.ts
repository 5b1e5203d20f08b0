import { type Role, roles } from '../core/model/command-grammar.ts'
import type { Permission } from '../core/model/views.ts'

/**
 * `role_name` has triage and maintain; for custom roles, `permission` has the basic role.
 * Source: GitHub REST, "Get repository permissions for a user".
 */
export function permissionOf({
  permission,
  role_name: roleName,
}: {
  permission: string
  role_name?: string
}): Permission {
  const name = roleName || permission
  const role = roleNamed(name) ?? roleNamed(permission) ?? 'none'
  return { role, name }
}

const roleNamed = (name: string): Role | undefined =>
  name === 'push' ? 'write' : name === 'pull' ? 'read' : roles.find(role => role === name)
