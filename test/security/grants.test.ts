/** What the deployment grants, and which settings are in force: seen from the thread. */
import { expect, test } from 'vitest'
import { MemoryBot, type MemoryBotOptions } from './memory-bot.ts'
import { comment } from './payloads.ts'

const userToken = 'ghu_a-token-of-the-deployment'
const sandboxes = [
  { id: '0f8fad5b-d9cb-469f-a165-70867728950e', name: 'Small box' },
  { id: '7c9e6679-7425-40de-944b-e07fc1f90ae7', name: 'Vault of the bank' },
]
const botWith = (given: Partial<MemoryBotOptions>) =>
  new MemoryBot({ roles: { maya: 'write', rita: 'read' }, userToken, sandboxes, ...given })

const ids = Array.from({ length: 100 }, (_, n) => 700 + n).values()

const sends = async (
  bot: MemoryBot,
  text: string,
  by = 'maya',
  number = 7,
  ownerId = 5,
): Promise<void> => {
  const sent = comment({
    by,
    text,
    number,
    ownerId,
    senderId: by.length,
    id: ids.next().value ?? 0,
  })
  expect(await bot.deliver(sent)).toBe(202)
}

async function says(
  bot: MemoryBot,
  ...said: [text: string, by?: string, number?: number, ownerId?: number]
) {
  await sends(bot, ...said)
  await bot.settle()
  return bot.comments.at(-1)?.body ?? ''
}

test.each([
  ['--as-user', 'as_user'],
  ['--signal-report r-1', 'signal_report'],
  ['--sandbox "Small box"', 'sandboxes'],
])(
  '%s is nobody’s without a grant of the deployment, and the thread says what to write',
  async (option, key) => {
    const bot = botWith({ settings: 'as_user: true' })
    const answer = await says(bot, `/codex ${option} fix it`)
    expect(answer).toContain(`\`owners.5.${key}\``)
    expect(bot.requests).toEqual([])
  },
)

test('what is granted is had', async () => {
  const grants = 'owners: {5: {as_user: true, signal_report: true, sandboxes: [small box]}}'
  const bot = botWith({ settings: 'as_user: true', grants })
  await says(bot, '/codex --as-user --signal-report r-1 --sandbox "Small box" fix it')
  expect(bot.requests).toMatchObject([
    {
      github_user_token: userToken,
      signal_report_id: 'r-1',
      sandbox_environment_id: sandboxes[0]?.id,
    },
  ])
})

test('an account that took the login of an owner gets nothing of what that was given', async () => {
  const grants = 'owners: {5: {as_user: true, sandboxes: [small box]}}'
  const bot = botWith({ grants, settings: 'as_user: true' })
  await says(bot, '/codex --as-user fix it')
  expect(bot.requests).toHaveLength(1)
  for (const option of ['--as-user', '--sandbox "Small box"'])
    expect(await says(bot, `/codex ${option} fix it`, 'maya', 8, 6)).toContain('`owners.6.')
  expect(bot.requests).toHaveLength(1)
})

test('an owner’s file that can not be read is not an absent one, where it is required', async () => {
  const bot = botWith({ grants: 'owners: {5: {settings: required}}' })
  expect(await says(bot, '/codex fix it')).toContain(
    'acme/.github: .github/codex.yml can not be read',
  )
  expect(bot.requests).toEqual([])
  const having = botWith({ grants: 'owners: {5: {settings: required}}', ownerFile: 'effort: high' })
  await says(having, '/codex fix it')
  expect(having.requests).toHaveLength(1)
})

test.each(['sandbox: Vault of the bank', `sandbox: ${sandboxes[1]?.id}`])(
  'a repository can not take a sandbox by its own file: %s',
  async settings => {
    const bot = botWith({ settings, grants: 'owners: {5: {sandboxes: [Small box]}}' })
    await says(bot, '/codex fix it')
    expect(bot.requests).toEqual([])
  },
)

test('the names of sandboxes are told only to those who may use them', async () => {
  for (const grants of ['', 'owners: {5: {sandboxes: [Small box]}}']) {
    const answer = await says(botWith({ grants }), '/codex --sandbox nonsense fix it')
    expect(answer).not.toContain('Vault')
    expect(answer.includes('Small box')).toBe(grants !== '')
  }
})

test('a ceiling of the deployment holds whatever the repository says', async () => {
  const bot = botWith({
    settings: 'limits: {repository_per_day: 100}',
    grants: 'owners: {5: {limits: {repository_per_day: 1}}}',
  })
  await says(bot, '/codex fix it')
  await sends(bot, '/codex --new fix it again')
  await bot.work(50)
  const called = bot.comments.at(-1)?.body
  expect(called).toContain('Codex waits until 14:03 UTC')
  expect(called).toContain('the limit is 1. Whoever runs the bot can raise it.')
  expect(called).not.toContain('limits.repository_per_day')
  expect(bot.requests).toHaveLength(1)
})

test('only models that the owner may use are taken', async () => {
  const bot = botWith({ settings: 'models: [gpt-6]', grants: 'owners: {5: {models: [gpt-5]}}' })
  expect(await says(bot, '/codex --model gpt-5.5 fix it')).toContain(
    'does not allow the model `gpt-5.5`',
  )
  await says(bot, '/codex fix it')
  expect(bot.requests).toMatchObject([{ model: 'gpt-5' }])
})

test('with a total limit of 0 nothing starts, and the thread is told why', async () => {
  const bot = botWith({ grants: 'limits: {total: 0}' })
  await sends(bot, '/codex fix it')
  await bot.work(50)
  expect(bot.bodies()).toEqual([expect.stringContaining('`limits.total` is 0')])
  expect(bot.requests).toEqual([])
})

test('settings with a slip keep the last ones without in force', async () => {
  const bot = botWith({
    settings: 'modle: gpt-5',
    history: ['effort: enormous', 'model: gpt-5', 'model: gpt-4'],
  })
  await says(bot, '/codex fix it')
  expect(bot.requests).toMatchObject([{ model: 'gpt-5' }])
  const [status] = bot.comments
  expect(status?.body).toContain('line 1: `modle`')
  expect(status?.body).toContain('the last correct version applies')
})

test('who the last good settings keep out stays out', async () => {
  const bot = botWith({ settings: 'permissions: {', history: ['permissions: {run: admin}'] })
  await says(bot, '/codex fix it')
  expect(bot.requests).toEqual([])
})

test('where there never were settings without a slip, nothing starts and all slips are told', async () => {
  const bot = botWith({ settings: 'modle: gpt-5\neffort: enormous\n', history: ['also: wrong'] })
  const answer = await says(bot, '/codex fix it')
  expect(bot.requests).toEqual([])
  expect(answer).toContain('line 1: `modle` is not a setting\n- line 2: `effort`')
})

test('history is read once for a slip, however many strangers comment', async () => {
  const bot = botWith({ settings: 'modle: gpt-5', history: ['model: gpt-5'] })
  for (let n = 0; n < 5; n += 1) await says(bot, '/codex fix it', 'rita')
  expect(bot.calls.filter(name => name === 'files.commits')).toHaveLength(1)
})

test('settings that GitHub does not show for a moment stay in force', async () => {
  const bot = botWith({ settings: 'permissions: {run: admin}' })
  await says(bot, '/codex fix it')
  bot.now += 2 * 60_000
  bot.options.settings = undefined
  await sends(bot, '/codex fix it, too')
  await bot.work(1)
  bot.options.settings = 'permissions: {run: admin}'
  await bot.settle()
  expect(bot.requests).toEqual([])
})
