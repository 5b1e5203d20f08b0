/** Each key is changed as docs/operating.md says, and nothing that was going on is lost. */
import { execFile } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { bundled } from '../bundle.ts'
import { opensIssue, working } from '../world/opens-issue.ts'
import { wipeQueue } from '../world/wipe-queue.ts'
import { startWorld, type World } from '../world/world.ts'

const keys = ['phx_the_key_of_before', 'phx_the_key_of_now'].map(key => ({
  key,
  userId: 1,
  scopes: ['*'],
}))
const secret = (of: string) => `a secret ${of}, long enough to be one`

let world: World
beforeAll(async () => {
  world = await startWorld({ roles: [], posthog: { apiKeys: keys } })
})
afterAll(() => world?.close())

async function restart(env: Record<string, string>): Promise<void> {
  await world.bot.stop()
  await world.startBot('all', env)
}

const isAnswered = async (title: string): Promise<void> => {
  const { says, thread } = await opensIssue(world, title)
  await says('/codex help')
  await thread.waitForAnswer('/codex fix')
}

const Checks = z.array(z.object({ name: z.string(), ok: z.boolean() }))

const secretIsRight = (env: Record<string, string>): Promise<boolean | undefined> =>
  new Promise(resolve => {
    const options = { cwd: tmpdir(), env: { PATH: process.env.PATH ?? '', ...world.env, ...env } }
    execFile(
      process.execPath,
      [join(bundled, 'main.js'), 'doctor', '--json'],
      options,
      (_, output) =>
        resolve(Checks.parse(JSON.parse(output)).find(({ name }) => name === 'webhook-secret')?.ok),
    )
  })

test('WEBHOOK_SECRET: two at once while it changes', async () => {
  const { webhooks } = world.github
  const before = world.env.WEBHOOK_SECRET ?? ''
  await world.startBot()
  const both = { WEBHOOK_SECRET: secret('of now'), WEBHOOK_SECRET_OLD: before }
  await restart(both)
  await isAnswered('Signed as before')
  expect(await secretIsRight(both)).toBe(false)
  webhooks.secret = secret('of now')
  await isAnswered('Signed as now')
  expect(await secretIsRight(both)).toBe(true)
  await restart({ WEBHOOK_SECRET: secret('of now') })
  await isAnswered('Signed as now, and no more as before')
  webhooks.secret = before
  await opensIssue(world, 'Signed by who knows the secret of before')
  await world.bot.says(/rejected deliveries/)
})

/** A run is at work, the queue is lost and the keys are others: only its marker knows of it. */
async function livesOn(before: Record<string, string>, now: Record<string, string>): Promise<void> {
  await restart(before)
  const { says, run, thread, ledger } = await working(
    world,
    `survive ${Object.keys(now).join(' and ')}`,
  )
  await wipeQueue(world, now)
  // Lost runs go on when the next webhook comes in.
  await says('Is anybody there?')
  await world.bot.says(/a run that the queue had lost/)
  await run(0).completeTurn('Nothing to do.')
  await thread.waitForAnswer('Nothing to do.')
  expect([ledger().tasks.length, ledger().runs.length]).toEqual([1, 1])
}

test('MARKER_KEY: what is signed with the one of before is still read', async () => {
  const now = { MARKER_KEY: secret('for markers'), MARKER_KEY_OLD: secret('for markers of before') }
  await livesOn({ MARKER_KEY: secret('for markers of before') }, now)
})

test('MARKER_KEY: the first one needs nothing of before', async () => {
  await livesOn({}, { MARKER_KEY: secret('for markers') })
})

test('PRIVATE_KEY: markers of the one of before are still read', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const before = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  // GitHub knows one key here; what the other one signed is what counts.
  const signs = createPrivateKey(before).export({ type: 'pkcs8', format: 'der' }).toString('base64')
  await livesOn({ MARKER_KEY: signs }, { MARKER_KEY_OLD: before })
})

test('POSTHOG_API_KEY: another one of the same user goes on with what was begun', async () => {
  await restart({ POSTHOG_API_KEY: 'phx_the_key_of_before' })
  const { says, run, thread, ledger, started } = await working(world, 'change the key')
  await restart({ POSTHOG_API_KEY: 'phx_the_key_of_now' })
  await run(0).finish('completed')
  await thread.waitForStatus(/^### 💬/)
  await says('/codex and this')
  await started(2)
  expect(ledger().tasks).toHaveLength(1)
})

test('ADMIN_TOKEN: the one of before opens nothing any more, and neither do its sessions', async () => {
  const asks = async (headers: Record<string, string>) =>
    (await fetch(`${world.bot.url}/admin/runs.json`, { headers, redirect: 'manual' })).status
  const bearer = (token: string) => asks({ authorization: `Bearer ${token}` })
  await restart({ ADMIN_TOKEN: secret('of admins before') })
  const body = new URLSearchParams({ token: secret('of admins before') })
  const origin = world.bot.url
  const signIn = { method: 'POST', body, headers: { origin }, redirect: 'manual' } as const
  const cookie =
    (await fetch(`${origin}/admin/sign-in`, signIn)).headers.getSetCookie()[0]?.split(';')[0] ?? ''
  expect([await bearer(secret('of admins before')), await asks({ cookie })]).toEqual([200, 200])
  await restart({ ADMIN_TOKEN: secret('of admins now') })
  expect(await bearer(secret('of admins now'))).toBe(200)
  expect([await bearer(secret('of admins before')), await asks({ cookie })]).not.toContain(200)
})
