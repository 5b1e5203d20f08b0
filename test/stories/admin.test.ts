/** Whoever runs the bot looks after it on its own pages. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { exhaustive } from '../support/tries.ts'
import { browserAvailable, flawsOf, type Look, openWindow, type Window } from '../world/browser.ts'
import { newRepository, opensIssue, type Talk } from '../world/opens-issue.ts'
import type { Thread } from '../world/thread.ts'
import { startWorld, type World } from '../world/world.ts'

const token = 'the token of whoever runs this bot'

let world: World
beforeAll(async () => {
  world = await startWorld({ env: { ADMIN_TOKEN: token } })
})
afterAll(() => world?.close())

interface InJson {
  id: string
  repository: string
}

const headers = { authorization: `Bearer ${token}` }
const read = async (path: string): Promise<string> =>
  (await fetch(`${world.bot.url}/admin/${path}`, { headers })).text()
const runs = async (): Promise<InJson[]> => JSON.parse(await read('runs.json')).runs

async function asks(title: string, words: string, repository?: string, of = world) {
  const issue = await opensIssue(of, title, repository)
  await issue.says(`/codex ${words}`)
  return issue
}

/** Where somebody looks at the sessions in PostHog, and plans there: only then an agent waits for an answer. */
const watched = (of: World) => newRepository(of, 'mode: interactive\n', { name: 'design' })

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
        await window.page.screenshot({ fullPage: true }),
      )
  }

  let asked: Promise<Talk[]> | undefined
  /** One of each that the page can show. */
  function someOfEach() {
    asked ??= (async () => {
      const { posthog, github } = world
      posthog.script('look into it for long', { kind: 'hangs' })
      posthog.script('which way', {
        kind: 'asksPermission',
        inMode: 'plan',
        question: 'Which way do you want?',
        choices: ['light', 'dark'],
      })
      posthog.script('break down', { kind: 'fails', message: 'usage limit reached' })
      const docs = await newRepository(world, 'limits:\n  repository: 1\n', { name: 'docs' })
      const inLine: Thread[] = []
      for (const [title, words] of [
        ['Links on the start page are dead', 'fix it'],
        ['Say how to install it', 'fix it'],
        ['Name all settings', 'look into it for long'],
      ] as const) {
        const { thread } = await asks(title, words, docs)
        // Else one that came later may stand before it in the line.
        await thread.waitForStatus('###')
        inLine.push(thread)
      }
      const ready = await asks('Search forgets the last filter', 'fix it')
      const failed = await asks('Checkout times out on slow networks', 'break down')
      await ready.thread.waitForAnswer('Codex opened draft')
      await failed.thread.waitForAnswer(/Codex (?:failed|did not)/)
      const question = await asks(
        'Dark mode has two shades of grey',
        'which way',
        await watched(world),
      )
      await question.thread.waitForAnswer('Codex has a question')
      const working = await asks('Login test is flaky', 'look into it for long')
      await working.thread.waitForStatus('⏳ Codex is working')
      const blocking = await opensIssue(world, 'Update the database first')
      const blocked = await opensIssue(world, 'Use the new column')
      github.block(blocked.number, [blocking.number])
      await blocked.says('/codex use the new column')
      await blocked.thread.waitForStatus('⏳ Codex waits for #')
      for (const thread of inLine.slice(0, 2)) await thread.waitForAnswer('Codex opened draft')
      await inLine[2]?.waitForStatus('⏳ Codex is working')
      await (await asks('Translate the manual', 'fix it', docs)).thread.waitForStatus(
        '⏳ Codex waits for its turn',
      )
      return [question, working]
    })()
    return asked
  }

  async function signIn(look: Look, to = world): Promise<void> {
    window = await openWindow(look)
    const { page } = window
    await page.goto(`${to.bot.url}/admin/`)
    await page.getByLabel('The ADMIN_TOKEN of this bot').fill('a guess')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
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
    ])
    await page.getByRole('link', { name: 'Dark mode has two shades of grey', exact: true }).click()
    expect(await page.getByRole('definition').allTextContents()).toContain(
      'An answer: Which way do you want?',
    )
    const words = page.locator('pre', { hasText: 'which way' })
    expect(await words.isVisible()).toBe(false)
    await page.locator('summary', { hasText: 'By maya' }).click()
    expect(await words.isVisible()).toBe(true)
    await looksRight('admin-run')
    expect(
      await page
        .getByRole('link', { name: `acme/design#${question?.number}` })
        .getAttribute('href'),
    ).toMatch(/\/issues\/\d+$/)
    await page.goBack()
    await page.getByRole('button', { name: 'Stop Login test is flaky' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('status').waitFor()
    expect(await page.getByRole('status').textContent()).toContain('is being stopped')
    expect(new URL(page.url()).pathname).toBe('/admin/')
    await working?.thread.waitForAnswer('stopped by an admin of this bot')
    expect(working?.ledger().cancels).toHaveLength(1)

    await page.getByRole('link', { name: 'Checks' }).click()
    await page.getByText('posthog-key').waitFor()
    await looksRight()
    await page.getByRole('link', { name: 'Runs', exact: true }).click()
    const filter = page.getByLabel('Owner, owner/repository, @person or #number')
    await filter.fill(`#${working?.number}`)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: `Runs of #${working?.number}` }).waitFor()
    await page.getByRole('link', { name: 'Login test is flaky', exact: true }).waitFor()
    await looksRight()
    await filter.fill('#999')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor()
    await looksRight()
    await page.getByRole('link', { name: 'Show all' }).click()
    await page.goto(`${world.bot.url}/admin/list/failed`)
    await page
      .getByRole('link', { name: 'Checkout times out on slow networks', exact: true })
      .waitFor()
    await looksRight()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.goBack()
    expect(await page.content()).not.toContain('posthog-key')
  })

  /** By the key alone, as far as it goes. */
  async function tabTo(wanted: Locator): Promise<void> {
    for (let pressed = 0; pressed < 100; pressed += 1) {
      await window.page.keyboard.press('Tab')
      if (await wanted.evaluate(element => element === element.ownerDocument.activeElement)) return
    }
    expect.fail(`no Tab leads to ${wanted}`)
  }

  test('each form of the pages is pressed, and what all begins with by Tab alone', async () => {
    const alone = await startWorld({ env: { ADMIN_TOKEN: token } })
    const { posthog } = alone
    const ask = (title: string, words: string) => asks(title, words, undefined, alone)
    try {
      posthog.script('which way', {
        kind: 'asksPermission',
        inMode: 'plan',
        question: 'Which way do you want?',
        choices: ['light', 'dark'],
      })
      posthog.script('break down', { kind: 'fails', message: 'usage limit reached' })
      const question = await asks('Two shades of grey', 'which way', await watched(alone), alone)
      const failed = await ask('Times out', 'break down')
      await question.thread.waitForAnswer('Codex has a question')
      await failed.thread.waitForAnswer(/Codex (?:failed|did not)/)
      await signIn({ width: 1280, height: 900 }, alone)
      const { page } = window
      const said = () => page.getByRole('status').textContent()
      const board = () => page.goto(`${alone.bot.url}/admin/`)

      await board()
      const [answer] = await Promise.all([
        page.waitForEvent('popup'),
        page.getByRole('link', { name: 'Answer Two shades of grey' }).click(),
      ])
      expect(answer.url()).toMatch(new RegExp(`/issues/${question.number}#issuecomment-\\d+$`))

      posthog.script('break down', { kind: 'answers', text: 'Now it worked.' })
      await board()
      await tabTo(page.getByRole('button', { name: 'Retry Times out' }))
      await page.keyboard.press('Enter')
      expect(await said()).toContain('It is asked for again')
      await looksRight()
      const again = await failed.thread.waitForAnswer('Now it worked.')
      expect(again).toContain('started again by an admin of this bot')
    } finally {
      await alone.close()
    }
  })

  test.runIf(exhaustive).each([
    ['on a phone, at night', { width: 390, height: 844, dark: true }, 'admin-phone-dark'],
    ['on a desktop', { width: 1280, height: 900 }, undefined],
  ] as const)('every page, %s', async (_, look, name) => {
    await someOfEach()
    await signIn(look)
    const { page } = window
    await looksRight(name)
    const ofShop = (await runs()).filter(({ repository }) => repository === 'acme/shop')
    const ids = ofShop.slice(0, 3).map(({ id }) => `runs/${id}`)
    const lists = ['ended', 'waiting', 'working', 'failed', 'question'].map(
      group => `list/${group}`,
    )
    const seen = async (paths: string[]) => {
      for (const path of paths) {
        await page.goto(`${world.bot.url}/admin/${path}`)
        await looksRight()
      }
    }
    await seen([
      ...['?filter=@maya', '?filter=%23999', '?filter=acme/shop'],
      ...lists,
      ...['checks', 'runs/guessed'],
      ...ids,
    ])
    const signOut = page.getByRole('button', { name: 'Sign out' })
    await signOut.click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })
})
