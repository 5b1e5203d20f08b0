/** Somebody starts the bot for the first time, and has a GitHub App made on the set-up page. */
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest'
import { type Enterprise, startEnterprise } from '../../emulators/github/enterprise.ts'
import { freePort } from '../support/free-port.ts'
import { exhaustive } from '../support/tries.ts'
import { type Bot, scratchDir, spawnBot } from '../world/bot.ts'
import { browserAvailable, flawsOf, type Look, openWindow, type Window } from '../world/browser.ts'
import { openSetUp } from '../world/set-up-by-hand.ts'
import { startWorld, type World } from '../world/world.ts'

let world: World
let enterprise: Enterprise
let folder: string
let bot: Bot
let address: string

beforeAll(async () => {
  world = await startWorld({ roles: [], posthog: { repositories: ['acme/shop'] } })
  enterprise = await startEnterprise(world.github, world.env.WEBHOOK_SECRET ?? '')
})
afterAll(async () => {
  await enterprise?.close()
  await world?.close()
})

/** It stays, and is shown to nobody. */
const ownToken = 'a-token-of-ours-with-more-than-32-letters'

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'set-up-'))
  await writeFile(
    join(folder, '.env'),
    `# What is ours\nLOG_FORMAT=json\nADMIN_TOKEN=${ownToken}\n# the App\nAPP_ID=\n`,
    {
      mode: 0o644,
    },
  )
  bot = spawnBot({ GHE_PROTOCOL: 'http' }, await freePort(), folder)
  world.bots.push(bot)
  address = await bot.says(/http:\S+token=\S+/)
})
afterEach(async () => {
  await bot.stop('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

describe('the page is for who sees the terminal', () => {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(bot.url + path, { headers, redirect: 'manual' })

  test('nobody gets in without the token, nor twice with it, and another page can send nothing', async () => {
    expect((await get('/healthz')).status).toBe(200)
    expect((await get('/readyz')).status).toBe(503)
    expect((await get('/set-up')).status).toBe(403)
    expect((await get('/set-up?token=guessed')).status).toBe(403)
    const opened = await fetch(address, { redirect: 'manual' })
    expect(opened.status).toBe(303)
    expect(opened.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Lax/)
    expect((await fetch(address, { redirect: 'manual' })).status).toBe(403)

    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
    const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded' }
    const post = (more: Record<string, string>): Promise<Response> =>
      fetch(`${bot.url}/set-up/review`, {
        method: 'POST',
        headers: { ...headers, ...more },
        redirect: 'manual',
        body: 'name=x',
      })
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403)
    expect((await post({ origin: 'null' })).status).toBe(403)
    expect((await post({})).status).toBe(403)
    expect((await post({ origin: bot.url })).status).toBe(303)
    // A name that leads here opens nothing, nor does an answer of GitHub that was not asked for.
    const asking = request(`${bot.url}/set-up`, { headers: { cookie, host: 'evil.example' } }).end()
    const [refused]: IncomingMessage[] = await once(asking, 'response')
    expect(refused?.resume().statusCode).toBe(421)
    expect((await get('/set-up/callback?code=abc&state=', { cookie })).status).toBe(403)
    expect((await get('/set-up/callback?code=abc&state=guessed', { cookie })).status).toBe(403)
    // From another machine it is reached through ssh.
    const { port } = new URL(bot.url)
    expect(bot.output()).toContain(`ssh -L ${port}:localhost:${port} USER@`)
  })
})

test('in a container, whose user can not write its own folder, all is written into the volume of the queue', async () => {
  const app = join(folder, 'app')
  const volume = await scratchDir()
  onTestFinished(volume.remove)
  const data = volume.path
  await mkdir(app, { mode: 0o555 })
  const port = await freePort()
  const inImage = (): Bot => {
    const env = { NODE_ENV: 'production', DATA_DIR: data, GHE_PROTOCOL: 'http', LOG_FORMAT: 'json' }
    const container = spawnBot(env, port, app, { heedsModes: true })
    world.bots.push(container)
    return container
  }

  const first = inImage()
  const { read, send, makesApp } = await openSetUp(first, enterprise, world)
  await makesApp({ webhook: first.url })
  // What is not right stands first, and only until it is right.
  const unscoped = world.posthog.fault({
    route: 'integrations',
    times: Infinity,
    fault: { kind: 'status', code: 403 },
  })
  const firstTime = await read()
  const [, amiss, ...below] = firstTime.split('<h2>')
  expect(amiss).toMatch(
    /^Not right yet<.*1 of \d+ is wrong.*✗.*posthog-github.*Add the scope integration:read/s,
  )
  expect(below.join('')).toMatch(/^Next</)
  expect(below.join('')).not.toContain('✗')
  unscoped.cancel()
  const done = await read()
  // Its token for the admin pages is shown once, and opens them.
  const [, adminToken = ''] =
    /^ADMIN_TOKEN=(\S{32,})$/m.exec(await readFile(join(data, '.env'), 'utf8')) ?? []
  expect(firstTime).toContain(`<code>${adminToken}</code>`)
  expect(done).not.toContain(adminToken)
  expect(done).not.toMatch(/✗|Not right yet/)
  expect(done).toContain(`<code>${join(data, '.env')}</code>`)
  expect(done).toContain(
    `<code># yaml-language-server: $schema=${first.url}/schema/v1/codex.schema.json</code>`,
  )
  expect((await stat(join(data, '.env'))).mode & 0o777).toBe(0o600)
  await send('/set-up/start')
  await first.ready()
  const authorization = `Bearer ${adminToken}`
  expect((await fetch(`${first.url}/admin/runs.json`, { headers: { authorization } })).status).toBe(
    200,
  )
  await first.stop()

  // The next container has the volume, and nothing else of this one.
  const second = inImage()
  await second.ready()
  expect(second.output()).not.toContain('There is no GitHub App yet')
  await second.stop()
})

test('a host where no Enterprise Server is, and an organization that is not there, are found at Review', async () => {
  const { read, send, values } = await openSetUp(bot, enterprise, world)
  const told = async (others: Partial<typeof values>) => {
    const sent = await send('/set-up/review', { ...values, ...others })
    expect(sent.status).toBe(303)
    const page = await read(sent.headers.get('location') ?? '')
    return /<section class="bad".*?<\/section>/s.exec(page)?.[0] ?? 'The bot asks GitHub for this'
  }
  for (const host of ['127.0.0.1:9', new URL(world.posthog.url).host])
    expect(await told({ enterprise: host })).toContain('No GitHub Enterprise Server answers')
  expect(await told({ organization: 'nobody' })).toContain('There is no organization of this name')
  expect(await told({ organization: 'maya' })).toContain('There is no organization of this name')
  expect(await told({ organization: `http://${enterprise.host}/acme` })).toContain('asks GitHub')
})

test('after the App was made, a second tab makes no second one', async () => {
  const { read, send, reviews, makesApp } = await openSetUp(bot, enterprise, world)
  const before = enterprise.registered.length
  const createsInSecondTab = await reviews({ name: 'Another' })
  await makesApp()
  expect(await createsInSecondTab()).toBe('/set-up')
  expect((await send('/set-up/review', { name: 'A third' })).headers.get('location')).toBe(
    '/set-up',
  )
  expect(await read()).toContain('GitHub made the App Codex at Acme')
  expect(enterprise.registered).toHaveLength(before + 1)
})

test('the last page starts no bot that can not work, and reads the file anew', async () => {
  const { read, send, makesApp } = await openSetUp(bot, enterprise, world)
  await makesApp()
  expect(await read()).not.toContain('✗')
  const file = join(folder, '.env')
  const written = await readFile(file, 'utf8')
  await writeFile(file, written.replace(world.posthog.apiKey, 'phx_revoked'))
  await send('/set-up/start')
  expect(await read()).toMatch(/The bot was not started.*✗.*posthog-key.*check again/s)
  await writeFile(file, written)
  expect(await read()).not.toContain('✗')
  // A mistyped name is told, and keeps nobody from starting.
  await writeFile(file, `${written}CODEX_MODLE=gpt-5\n`)
  expect(await read()).toContain('did you mean CODEX_MODEL?')
  await send('/set-up/start')
  await bot.ready()
})

const screenshots = process.env.SCREENSHOTS

describe.skipIf(!browserAvailable())('in a browser', () => {
  let window: Window

  /** For docs/install.md: `SCREENSHOTS=docs` draws them anew. */
  const picture = async (name: string): Promise<void> => {
    if (screenshots)
      await writeFile(
        join(screenshots, `${name}.png`),
        await window.page.screenshot({ fullPage: true }),
      )
  }

  /** What is missing is said beside the field, and at the top. */
  async function findsNoFlaw(look: Look, name: string): Promise<void> {
    window = await openWindow(look)
    const { page } = window
    await page.goto(address)
    expect(await page.title()).toContain('Set up')
    const links = await page
      .getByRole('link')
      .evaluateAll(all => all.map(link => link.getAttribute('href')))
    expect(links).toEqual([
      'https://us.posthog.com/settings/project-integrations',
      'https://eu.posthog.com/settings/project-integrations',
      'https://us.posthog.com/settings/user-api-keys',
      'https://eu.posthog.com/settings/user-api-keys',
    ])
    expect(await flawsOf(window)).toEqual([])
    await picture(name)
    await page.getByRole('button', { name: 'Review' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('Personal API key')
    // Who can't see the page hears first what is wrong.
    expect(await page.title()).toMatch(/^Error: Set up/)
    expect(await page.locator(':focus').getAttribute('role')).toBe('alert')
    expect(await flawsOf(window)).toEqual([])
    if (!look.dark) await picture('set-up-problems')
  }

  async function fill(values: Record<string, string>): Promise<void> {
    for (const [label, value] of Object.entries(values))
      await window.page.getByLabel(label).fill(value)
  }

  const allRight = (): Record<string, string> => ({
    'Host of your Enterprise Server': enterprise.host,
    'Webhook address': bot.url,
    'Address of PostHog': world.posthog.url,
    'Personal API key': world.posthog.apiKey,
    'Number of the project': String(world.posthog.projectId),
  })

  afterEach(() => window?.close())

  test.runIf(exhaustive)('on a phone, at night', async () => {
    await findsNoFlaw({ width: 390, height: 844, dark: true }, 'set-up-phone-dark')
    await fill(allRight())
    await window.page.getByLabel('Let settings name teams').check()
    await window.page.getByRole('button', { name: 'Review' }).click()
    await window.page.getByRole('heading', { name: 'What the App may do' }).waitFor()
    expect(await window.page.locator('dt').allTextContents()).toContain('members: read')
    expect(await flawsOf(window)).toEqual([])
  })

  test('from the form to the bot', async () => {
    await findsNoFlaw({ width: 1280, height: 900 }, 'set-up')
    const { page } = window
    const review = page.getByRole('button', { name: 'Review' })
    const alert = page.getByRole('alert')
    await fill({ ...allRight(), 'Address of PostHog': world.github.url })
    await review.click()
    expect(await alert.textContent()).toContain(
      'Address of PostHog: What answers at this address is not',
    )
    // The address of the project, as a browser shows it, says which PostHog it is.
    await fill({
      'Personal API key': 'phx_mistyped',
      'Number of the project': `${world.posthog.url}/project/${world.posthog.projectId}/settings`,
    })
    await review.click()
    expect(await alert.textContent()).toContain(
      'Personal API key: PostHog does not accept this key',
    )
    expect(await page.getByLabel('Address of PostHog').inputValue()).toBe(world.posthog.url)
    expect(await page.getByLabel('Personal API key').getAttribute('aria-invalid')).toBe('true')
    expect(await flawsOf(window)).toEqual([])

    // The key is kept, and not sent out again. From here on without a mouse.
    await fill({ 'Personal API key': world.posthog.apiKey })
    await page.getByLabel('Let settings name teams').focus()
    for (const key of ['Tab', 'Enter']) await page.keyboard.press(key)
    await page.locator('dt').first().waitFor()
    expect(await page.locator('dt').allTextContents()).toEqual([
      'contents: write',
      'issues: write',
      'pull_requests: write',
      'checks: write',
      'statuses: read',
      'metadata: read',
    ])
    const manifestFile = await readFile(new URL('../../app.yml', import.meta.url), 'utf8')
    const reasons = [...manifestFile.matchAll(/^ {2}# (.+)\n {2}(?!members)\w+:/gm)].map(
      ([, why]) => why,
    )
    expect(await page.locator('dd').allTextContents()).toEqual(reasons)
    expect(await page.getByRole('heading', { name: 'What PostHog gets' }).count()).toBe(1)
    expect(await page.content()).not.toContain(world.posthog.apiKey)
    await picture('set-up-review')
    await page.getByText('The manifest, word for word').click()
    const manifest = await page.getByRole('region', { name: 'Manifest' }).textContent()
    expect(manifest).toContain('"pull_requests": "write"')
    expect(await flawsOf(window)).toEqual([])

    const create = page.getByRole('button', { name: 'Create it on GitHub' })
    const agree = page.getByRole('button', { name: 'Create GitHub App' })
    await create.click()
    await agree.waitFor()
    await page.goBack()
    await create.click()
    await agree.click()
    await page.getByRole('heading', { name: 'GitHub made the App' }).waitFor()
    expect(await flawsOf(window)).toEqual([])
    // GitHub has sent nothing yet.
    expect(await page.getByText(/Nothing is wrong\. 2 of \d+ are not known\./).count()).toBe(1)
    await picture('set-up-done')

    const links = await page
      .getByRole('link')
      .evaluateAll(all => all.map(link => link.getAttribute('href') ?? ''))
    const install = links.find(link => link.endsWith('/installations/new')) ?? ''
    expect((await fetch(install)).status).toBe(200)
    expect(links).toContain(`${world.posthog.url}/settings/project-integrations`)

    const file = join(folder, '.env')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const written = await readFile(file, 'utf8')
    expect(written).toContain(
      `# What is ours\nLOG_FORMAT=json\nADMIN_TOKEN=${ownToken}\n# the App\nAPP_ID=4711\n`,
    )
    expect(written.match(/ADMIN_TOKEN/g)).toHaveLength(1)
    expect(await page.content()).not.toContain('ADMIN_TOKEN')
    expect(written).toContain(`GHE_HOST=${enterprise.host}`)

    await page.getByRole('button', { name: 'Start the bot' }).click()
    await page.getByRole('heading', { name: 'The bot starts' }).waitFor()
    await bot.ready()
    expect((await fetch(`${bot.url}/set-up`)).status).toBe(404)
  })
})
