/** What `/codex doctor` says of PostHog in a thread, which may be public. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import { readConfig } from '../../src/config.ts'
import { checkPostHogOf } from '../../src/posthog-doctor.ts'

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

test('whether the granted sandboxes are there, and not how they are called', async () => {
  const posthog = await startPostHog({
    sandboxEnvironments: [{ id: '6b1e0a4e-0000-4000-8000-00000000000a', name: 'Payments' }],
  })
  const file = join(mkdtempSync(join(tmpdir(), 'doctor-')), 'settings.yml')
  writeFileSync(file, 'owners: {acme: {sandboxes: [Payments]}, globex: {sandboxes: [Payments, Vault]}}')
  const read = readConfig({
    APP_ID: '1',
    PRIVATE_KEY: privateKey,
    WEBHOOK_SECRET: 'a secret of thirty-two letters or more',
    POSTHOG_HOST: posthog.url,
    POSTHOG_API_KEY: posthog.apiKey,
    POSTHOG_PROJECT_ID: String(posthog.projectId),
    SETTINGS_FILE: file,
  })
  const config = read.kind === 'run' ? read.config : expect.fail(JSON.stringify(read))
  const of = async (owner: string) => {
    const checks = await checkPostHogOf(config, { owner, ownerId: 1, repo: 'shop' })
    expect(JSON.stringify(checks)).not.toMatch(/Payments|Vault/)
    return checks.find(({ name }) => name === 'posthog-sandboxes')?.ok
  }
  expect(await Promise.all(['acme', 'globex', 'initech'].map(of))).toEqual([true, false, undefined])
  await posthog.close()
})
