/** The playground as `npm run play` starts it, and somebody in front of it. */
import { fileURLToPath } from 'node:url'
import type { Locator } from 'playwright-core'
import { spawnBot } from '../world/bot.ts'
import type { Window } from '../world/browser.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Started {
  /** With a slash at the end. */
  address: string
  close(): Promise<unknown>
}

export const startPlayground = (): Promise<Started> =>
  started(['demo/play.ts', '--port', '0'], /The playground is at (http:\S+)/)

/** @param says where its page is */
export async function started(args: readonly string[], says: RegExp): Promise<Started> {
  const playground = spawnBot({}, 0, root, { args: ['--import', 'tsx', ...args] })
  const [, address = ''] = says.exec(await playground.says(says)) ?? []
  return { address, close: () => playground.stop() }
}

/** ms. The bot and the agent work meanwhile. */
const timeout = 150_000

export class Visitor {
  readonly window: Window
  readonly #address: string

  constructor(window: Window, address: string) {
    this.window = window
    window.page.setDefaultTimeout(timeout)
    this.#address = address
  }

  get page() {
    return this.window.page
  }

  async goes(number: number): Promise<void> {
    await this.page.goto(`${this.#address}threads/${number}`)
    await this.page.locator('html.live').waitFor()
  }

  /** A new issue or pull request, and goes there. @param button such as `Open an issue` */
  async opens(title: string, button = 'Open an issue'): Promise<void> {
    const { page } = this
    const form = page.locator('#new')
    // A busy browser can lose a click; a person clicks again.
    while ((await form.getAttribute('open')) === null) await form.locator('summary').click()
    await form.getByLabel('Title').fill(title)
    await form.getByRole('button', { name: button }).click()
    await page.getByRole('heading', { level: 1, name: title }).waitFor()
  }

  async is(login: string): Promise<void> {
    await this.page.getByLabel('You are').selectOption(login)
  }

  async comments(text: string): Promise<void> {
    await this.page.getByLabel('Comment', { exact: true }).fill(text)
    await this.page.getByRole('button', { name: 'Comment', exact: true }).click()
    await this.sees(text)
  }

  async lets(what: string): Promise<void> {
    await this.page.getByLabel('With each turn it').selectOption({ label: what })
  }

  /** Presses a button of the agent's, of time's or of the process. */
  async presses(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click({ timeout })
  }

  /** The comment, shown, in which this stands. */
  said(words: string | RegExp): Locator {
    return this.page
      .locator('article', { has: this.page.locator('.markdown-body', { hasText: words }) })
      .last()
  }

  async sees(words: string | RegExp): Promise<void> {
    await this.said(words).waitFor({ timeout })
  }

  async seesState(words: string | RegExp): Promise<void> {
    await this.page.getByRole('status').filter({ hasText: words }).waitFor({ timeout })
  }

  /** GitHub's words against what was tried. */
  async isRefused(words: string | RegExp): Promise<void> {
    await this.page.getByRole('alert').filter({ hasText: words }).waitFor({ timeout })
  }

  async reads(name: string): Promise<string> {
    return (await this.page.getByRole('region', { name }).first().textContent()) ?? ''
  }
}
