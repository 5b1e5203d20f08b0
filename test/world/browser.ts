/** Headless Chromium, where there is one. */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

const executable = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find(existsSync)

/** Where it has to be there, its lack is a failure and not a reason to skip. */
export function browserAvailable(): boolean {
  if (executable !== undefined) return true
  if (process.env.REQUIRE_BROWSER)
    throw new Error('REQUIRE_BROWSER is set, and there is no Chromium')
  console.warn('no Chromium: the pages are not tried in a browser')
  return false
}

export interface Look {
  width: number
  height: number
  dark?: boolean
}

export interface Window {
  page: Page
  close(): Promise<void>
}

/** A window with a profile of its own. */
export async function openWindow({ width, height, dark = false }: Look): Promise<Window> {
  const profile = await mkdtemp(join(tmpdir(), 'browser-'))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    ...(executable === undefined ? {} : { executablePath: executable }),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
  })
  return {
    page: context.pages()[0] ?? (await context.newPage()),
    close: async () => {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What a person with a screen reader, or without a mouse, would stumble over. */
export async function flawsOf({ page }: Window): Promise<string[]> {
  const source = await readFile(axe, 'utf8')
  return page.evaluate(async text => {
    // The page lets no script in, so it is run from outside.
    new Function(text)()
    const { axe: engine } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; help: string }[] }> }
    }
    return (await engine.run()).violations.map(({ id, help }) => `${id}: ${help}`)
  }, source)
}
