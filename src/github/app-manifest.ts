/** Permissions and events of the App, the same as in `app.yml`. */
import { events } from './webhooks/normalise.ts'

/** What the bot can't do without. */
export const wantedOfApp = {
  permissions: {
    contents: 'write',
    issues: 'write',
    pull_requests: 'write',
    checks: 'write',
    statuses: 'read',
    metadata: 'read',
  },
  events,
} as const

/** Wanted only where settings name teams. */
export const wantedForTeams = { members: 'read' } as const

type Permission = keyof typeof wantedOfApp.permissions | keyof typeof wantedForTeams

/** What each permission is for, in one sentence for the person who grants it. */
export const permissionReasons: Readonly<Record<Permission, string>> = {
  contents: 'Reads .github/codex.yml, and finds, makes and removes branches.',
  issues: 'Writes comments and reactions, sets and removes labels, links branches.',
  pull_requests:
    'Corrects the base and description of pull requests, asks for reviews, answers on lines.',
  checks: 'Reads which checks failed. Shows whether somebody else approved.',
  statuses: 'Reads which commit statuses failed on a pull request. All else works without it.',
  members: 'Reads who is in a team. Needed only if your settings name teams.',
  metadata: 'GitHub always requires it. Shows who may do what.',
}
