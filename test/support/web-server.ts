/** The pages of a process under test, on a port of their own, and the door to which GitHub sends. */
import { afterAll, beforeAll } from 'vitest'
import type { Log } from '../../src/core/model/ports.ts'
import type { Trigger } from '../../src/core/model/trigger.ts'
import { usualTrigger } from '../../src/core/settings/deployment-settings.ts'
import { leavesWithin } from '../../src/github/webhooks/fair-share.ts'
import { probotVerifier } from '../../src/github/webhooks/probot.ts'
import { receiver } from '../../src/github/webhooks/receive.ts'
import { silenceJudge } from '../../src/github/webhooks/silent-comments.ts'
import { webhookEndpoint } from '../../src/github/webhooks/webhook-endpoint.ts'
import { closeServer, httpServer, listen } from '../../src/web/http-server.ts'

type Parts = Parameters<typeof httpServer>[0]

export const webServer = (parts: Partial<Parts> = {}) =>
  httpServer({
    webhookEndpoint: undefined,
    readiness: async () => ({ ready: true, failed: [] }),
    ...parts,
  })

interface Door {
  secret: string
  log: Log
  enqueue(trigger: Trigger): Promise<'added' | 'known'>
  redact?(text: string): string
  readiness?: Parts['readiness']
}

/** @returns its address, once the tests run */
export async function openDoor({ secret, log, enqueue, redact = text => text, ...parts }: Door) {
  const receive = receiver({
    log,
    redact,
    enqueue,
    triggerOf: () => usualTrigger,
    mayLeave: leavesWithin(Date.now),
  })
  const calls = [`/${usualTrigger.word}`]
  const verify = await probotVerifier({ id: 5, privateKey: 'x', secrets: [secret] })
  const endpoint = webhookEndpoint({ log, isSilent: silenceJudge(() => calls), verify, receive })
  const server = webServer({ webhookEndpoint: endpoint, ...parts })
  const door = { port: 0 }
  beforeAll(async () => {
    door.port = await listen(server, { host: '127.0.0.1', port: 0 })
  })
  afterAll(() => closeServer(server, 500))
  return door
}
