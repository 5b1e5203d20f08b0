/** Who and what is there at the start. */

import type { emulateRole } from './roles.ts'

export interface RepositorySeed {
  owner: string
  name: string
  private?: boolean
  /** Without a first commit. */
  empty?: boolean
}

/** Everybody's role in every repository; `olga` owns the organisations, and `eve` is a stranger. */
export const ROLE_OF: Readonly<Record<string, keyof typeof emulateRole>> = {
  olga: 'admin',
  mario: 'maintain',
  maya: 'write',
  theo: 'triage',
  rita: 'read',
  'posthog[bot]': 'write',
}

/** Three of them are other Apps, which review. */
export const PEOPLE: readonly string[] = [
  ...Object.keys(ROLE_OF),
  'eve',
  'coderabbitai[bot]',
  'greptile-apps[bot]',
  'chatgpt-codex-connector[bot]',
]

/** They exist from the start, so that repositories can be added to them at run time. */
export const OWNERS: readonly string[] = ['acme', 'globex', 'initech']

export const DEFAULT_PERMISSIONS: Readonly<Record<string, string>> = {
  actions: 'read',
  checks: 'write',
  contents: 'write',
  issues: 'write',
  members: 'read',
  metadata: 'read',
  pull_requests: 'write',
  statuses: 'read',
}

export const EVENTS: readonly string[] = [
  'check_suite',
  'create',
  'delete',
  'issue_comment',
  'issues',
  'merge_group',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'pull_request_review_thread',
  'push',
  'repository',
  'status',
]

export interface SeedChoice {
  appId: number
  slug: string
  permissions: Readonly<Record<string, string>>
  events: readonly string[]
  people: readonly string[]
  installations: ReadonlyMap<string, number>
  repositories: readonly RepositorySeed[]
  intake: string
  tokenOf(login: string): string
}

/** olga comes first: emulate takes unknown tokens for its first user, which is how the layer acts as her. */
export function emulateSeed(choice: SeedChoice) {
  const { appId, slug, people, installations, repositories } = choice
  const tokens = people.map(login => [
    choice.tokenOf(login),
    { login, scopes: ['repo', 'user', 'admin:org'] },
  ])
  return {
    tokens: Object.fromEntries(tokens),
    github: {
      users: [...people, `${slug}[bot]`].map(login => ({
        login,
        name: login,
        email: `${login}@users.noreply.github.com`,
      })),
      orgs: [...installations.keys()].map(login => ({
        login,
        name: login,
        members: [{ login: 'olga', role: 'admin' }],
      })),
      repos: repositories.map(({ owner, name, private: isPrivate }) => ({
        owner,
        name,
        auto_init: true,
        private: isPrivate ?? false,
        default_branch: 'main',
      })),
      apps: [
        {
          app_id: appId,
          slug,
          name: slug,
          permissions: { ...choice.permissions },
          events: [...choice.events],
          webhook_url: choice.intake,
          installations: [...installations].map(([account, id]) => ({
            installation_id: id,
            account,
          })),
        },
      ],
    },
  }
}
