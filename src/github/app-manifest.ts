/** What the App asks of an installation: the same as `app.yml`, which a test holds to it. */
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
