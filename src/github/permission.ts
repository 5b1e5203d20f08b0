import { type Role, roles } from '../core/model/role.ts'
import type { Permission } from '../core/model/views.ts'

/**
 * `role_name` knows triage and maintain; for a custom role `permission` says which basic role it builds on.
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
