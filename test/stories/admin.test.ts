/** Whoever runs the bot looks after it on its own pages. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { smallPng } from '../../scripts/small-png.ts'
import { exhaustive } from '../support/tries.ts'
import { browserAvailable, flawsOf, type Look, openWindow, type Window } from '../world/browser.ts'
import { ledgerOf, Thread } from '../world/thread.ts'
import { startWorld, type World } from '../world/world.ts'

const token = 'the token of whoever runs this bot'

let world: World
beforeAll(async () => {
  world = await startWorld({ env: { ADMIN_TOKEN: token } })
})
afterAll(() => world?.close())

interface InJson {
  id: string
  state: string
  number: number
  repository: string
  waitsFor: string | null
  pull: string | null
}

const headers = { authorization: `Bearer ${token}` }
const read = async (path: string): Promise<string> =>
  (await fetch(`${world.bot.url}/admin/${path}`, { headers })).text()
const runs = async (): Promise<InJson[]> => JSON.parse(await read('runs.json')).runs
const runIn = async (number: number, repository = world.github.repository): Promise<InJson> =>
  (await runs()).find(run => run.number === number && run.repository === repository) ??
  expect.fail(`no run in ${repository}#${number}`)

/** What the page has as a form, sent without one. */
async function act(path: string, fields: Record<string, string> = {}): Promise<string> {
  const body = new URLSearchParams(fields)
  const sent = await fetch(`${world.bot.url}/admin/${path}`, { method: 'POST', headers, body })
  return sent.text()
}

async function asks(title: string, words: string, repository = world.github.repository) {
  const maya = world.github.as('maya', repository)
  const { number } = await maya.opensIssue({ title })
  await maya.comments(number, `/codex ${words}`)
  return { maya, number, thread: new Thread(world, number, repository) }
}

test('a stop from the page is confirmed, and told in the thread with who did it', async () => {
  world.posthog.script('work until somebody stops it', { kind: 'hangs' })
  const { number, thread } = await asks('Goes on and on', 'work until somebody stops it')
  await thread.waitForStatus('⏳ Codex is working')
  const { id, state } = await runIn(number)
  expect(state).toMatch(/starting|working/)
  expect(await act(`runs/${id}/stop`)).toContain('The run is being stopped')
  await thread.waitForAnswer('this run was stopped by an admin of this bot.')
  expect(ledgerOf(world, number).cancels).toHaveLength(1)
  expect(await runIn(number)).toMatchObject({ state: 'stopped', waitsFor: null })
  expect(world.bot.output()).toMatch(/"audit":true,"action":"stop","result":"stopping","by":"admin"/)
})

test('a pause from the page keeps what is asked, until the page ends it', async () => {
  const repository = await world.github.addRepo('acme', 'frozen')
  const first = await asks('Before the pause', 'fix it first', repository)
  await first.thread.waitForAnswer('pull request is ready')
  const before = await runIn(first.number, repository)
  expect(await act(`runs/${before.id}/pause`, { text: 'release of 2.0' })).toContain('is paused')
  const kept = await asks('Asked meanwhile', 'fix it after the release', repository)
  const status = await kept.thread.waitForStatus('⏸️ Codex is paused here')
  expect(status).toMatch(/Paused since \d\d:\d\d UTC by an admin of this bot: release of 2\.0\./)
  const { id, waitsFor } = await runIn(kept.number, repository)
  expect(waitsFor).toContain('Paused since')
  expect(await read('')).toMatch(/acme\/frozen<\/a>.*Paused since/)
  expect(await act(`runs/${id}/resume`)).toContain('The repository goes on')
  await kept.thread.waitForAnswer('pull request is ready')
  expect(await runIn(kept.number, repository)).toMatchObject({
    state: 'pull',
    pull: expect.stringContaining('/pull/'),
  })
})

test('a retry from the page starts the same for the same person, who still has to be allowed to', async () => {
  world.posthog.script('fail at first', { kind: 'fails', message: 'usage limit reached' })
  const { number, thread } = await asks('Fails at first', 'fail at first')
  await thread.waitForAnswer(/Codex (?:failed|did not)/)
  const { id } = await runIn(number)
  expect(await read('')).toContain('Fails at first')
  world.posthog.script('fail at first', { kind: 'answers', text: 'Now it worked.' })
  expect(await act(`runs/${id}/retry`)).toContain('It is asked for again')
  const answer = await thread.waitForAnswer('Now it worked.')
  expect(answer).toContain('started again by an admin of this bot')
  expect(ledgerOf(world, number).runs.length).toBeGreaterThan(1)
})

test('the checks of the doctor are made when they are asked for', async () => {
  const page = await read('checks')
  expect(page).toContain('posthog-key')
  expect(page).toContain('github-app')
  expect(page).not.toContain(world.posthog.apiKey)
})

test('a process that is drained takes no more work and says so; another one goes on', async () => {
  const alone = await startWorld({ env: { ADMIN_TOKEN: token } })
  try {
    const { url } = alone.bot
    const sent = await fetch(`${url}/admin/drain`, { method: 'POST', headers })
    expect(await sent.text()).toContain('This process takes no more work')
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('"process"')])
    const { number } = await alone.github.as('maya').opensIssue({ title: 'For the next one' })
    await alone.github.as('maya').comments(number, '/codex fix it with the next one')
    await alone.bot.stop()
    await alone.startBot()
    await new Thread(alone, number).waitForAnswer('pull request is ready')
  } finally {
    await alone.close()
  }
})

const screenshots = process.env.SCREENSHOTS

describe.skipIf(!browserAvailable())('in a browser', () => {
  let window: Window
  afterEach(() => window?.close())

  /** For docs/admin.md: `SCREENSHOTS=docs` draws them anew. */
  async function looksRight(name?: string): Promise<void> {
    expect(await flawsOf(window)).toEqual([])
    const overflow = await window.page
      .locator('html')
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)
    expect(overflow).toBe(0)
    if (screenshots && name)
      await writeFile(
        join(screenshots, `${name}.png`),
        smallPng(await window.page.screenshot({ fullPage: true })),
      )
  }

  let asked: Promise<{ number: number; thread: Thread }[]> | undefined
  /** One of each that the page can show. */
  function someOfEach() {
    asked ??= (async () => {
      const { posthog, github } = world
      posthog.script('look into it for long', { kind: 'hangs' })
      posthog.script('which way', {
        kind: 'asksPermission',
        of: 'question',
        question: 'Which way do you want?',
        choices: ['light', 'dark'],
      })
      posthog.script('break down', { kind: 'fails', message: 'usage limit reached' })
      const ready = await asks('Search forgets the last filter', 'fix it')
      const failed = await asks('Checkout times out on slow networks', 'break down')
      await ready.thread.waitForAnswer('pull request is ready')
      await failed.thread.waitForAnswer(/Codex (?:failed|did not)/)
      const question = await asks('Dark mode has two shades of grey', 'which way')
      await question.thread.waitForAnswer('Codex has a question')
      const working = await asks('Login test is flaky', 'look into it for long')
      await working.thread.waitForStatus('⏳ Codex is working')
      const blocking = await github.as('maya').opensIssue({ title: 'Update the database first' })
      const maya = github.as('maya')
      const { number } = await maya.opensIssue({ title: 'Use the new column' })
      github.block(number, [blocking.number])
      await maya.comments(number, '/codex use the new column')
      await new Thread(world, number).waitForStatus('⏳ Codex waits for #')
      return [question, working]
    })()
    return asked
  }

  async function signIn(look: Look): Promise<void> {
    window = await openWindow(look)
    const { page } = window
    await page.goto(`${world.bot.url}/admin/`)
    await page.getByLabel('The ADMIN_TOKEN of this bot').fill('a guess')
    await page.getByRole('button', { name: 'Sign in' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('not the ADMIN_TOKEN')
    await looksRight()
    await page.getByLabel('The ADMIN_TOKEN of this bot').fill(token)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Does anything need you?' }).waitFor()
  }

  test('what needs somebody comes first, and one that works is stopped without a mouse', async () => {
    const [question, working] = await someOfEach()
    await signIn({ width: 1280, height: 900 })
    const { page } = window
    await looksRight('admin')
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
      expect.stringContaining('Does anything need you?'),
      expect.stringContaining('What is running'),
      expect.stringContaining('What is coming'),
      expect.stringContaining('What happened'),
      expect.stringContaining('This process'),
    ])
    await page.getByRole('link', { name: 'Dark mode has two shades of grey', exact: true }).click()
    expect(await page.getByRole('definition').allTextContents()).toContain(
      'An answer: Which way do you want?',
    )
    await page.locator('summary', { hasText: 'By maya' }).click()
    await looksRight('admin-run')
    expect(
      await page.getByRole('link', { name: `acme/shop#${question?.number}` }).getAttribute('href'),
    ).toMatch(/\/issues\/\d+$/)
    await page.goBack()
    await page.getByRole('button', { name: 'Stop Login test is flaky' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('status').waitFor()
    expect(await page.getByRole('status').textContent()).toContain('is being stopped')
    await working?.thread.waitForAnswer('stopped by an admin of this bot')

    await page.getByRole('link', { name: 'Checks' }).click()
    await page.getByText('posthog-key').waitFor()
    await looksRight()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.goBack()
    expect(await page.content()).not.toContain('posthog-key')
  })

  test.runIf(exhaustive).each([
    ['on a phone, at night', { width: 390, height: 844, dark: true }, 'admin-phone-dark'],
    ['on a phone', { width: 390, height: 844 }, undefined],
    ['on a desktop, at night', { width: 1280, height: 900, dark: true }, undefined],
  ] as const)('every page, %s', async (_, look, name) => {
    await someOfEach()
    await signIn(look)
    const { page } = window
    await looksRight(name)
    const ids = (await runs()).slice(0, 3).map(({ id }) => `runs/${id}`)
    const pages = ['?filter=@maya', 'list/ended', 'list/waiting', 'checks', 'runs/guessed', ...ids]
    for (const path of pages) {
      await page.goto(`${world.bot.url}/admin/${path}`)
      await looksRight()
    }
  })
})
