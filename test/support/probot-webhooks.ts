import { pino } from 'pino'
import { Probot } from 'probot'
import type { Receive } from '../../src/github/webhooks/event.ts'
import { type ProbotWebhooks, webhooksOf } from '../../src/github/webhooks/receive.ts'

/** As the bot opens it, but without a GitHub App. */
export const probotWebhooks = (secret: string, receive: Receive): Promise<ProbotWebhooks> =>
  webhooksOf(new Probot({ githubToken: 'x', secret, log: pino({ level: 'silent' }) }), receive)
