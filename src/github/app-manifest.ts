/** Permissions and events of the App, the same as in `app.yml`. */
import { events } from './webhooks/normalise.ts'

export const wantedOfApp = {
  permissions: {
    contents: 'write',
    issues: 'write',
    pull_requests: 'write',
    checks: 'write',
    members: 'read',
    metadata: 'read',
  },
  events,
} as const
