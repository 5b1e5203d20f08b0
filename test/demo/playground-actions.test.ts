/** Each thing that can be done in the playground, done there. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { browserAvailable, flawsOf, openWindow, type Window } from '../world/browser.ts'
import { type Started, startPlayground, Visitor } from './visitor.ts'

let playground: Started
let window: Window
let visitor: Visitor
beforeAll(async () => {
  playground = await startPlayground()
})
afterAll(() => playground?.close())
afterEach(() => window?.close())

async function enters(look = { width: 1360, height: 900, dark: false }): Promise<void> {
  window = await openWindow(look)
  visitor = new Visitor(window, playground.address)
  await visitor.goes(1)
  await visitor.is('maya')
  await visitor.lets('hangs')
}

const working = 'Codex is working'
const inTurn = 'It is in the middle of its turn.'

async function worksOn(title: string): Promise<void> {
  await visitor.opens(title)
  await visitor.comments(`/codex ${title}`)
  await visitor.seesState(inTurn)
}

/** `npm run test:play`: minutes in a browser. */
const asked = process.env.PLAYGROUND !== undefined

describe.skipIf(!asked || !browserAvailable())('in a browser', () => {
  describe('the agent is steered', () => {
    beforeEach(() => enters())

    const ends: [what: string, then: string][] = [
      ['opens a pull request and talks on', 'Codex opened draft'],
      ['answers', 'I only say that it is done'],
      ['ends its turn', 'I only say that it is done'],
      ['asks a question', 'Which one do you mean?'],
      ['fails', 'Try again'],
      ['loses its sandbox', 'did not finish'],
    ]
    test.each(ends)('in its turn it %s', async (button, then) => {
      await worksOn(`now it ${button}`)
      // One that was cut off is taken up again, by a new session.
      await visitor.lets(button === 'loses its sandbox' ? button : 'answers')
      await visitor.presses(button)
      await visitor.sees(then)
    })
  })

  describe('people write', () => {
    beforeEach(() => enters())

    test('a comment, which is edited and deleted', async () => {
      await visitor.opens('Second thoughts')
      await visitor.comments('hello')
      const post = visitor.said('hello')
      await post.getByText('Edit or delete').click()
      await post.getByLabel('Text').fill('/codex help')
      await post.getByRole('button', { name: 'Save' }).click()
      await visitor.sees('Write a command at the start of a line')
      const edited = window.page.locator('article').nth(1)
      await edited.getByText('Edit or delete').click()
      await edited.getByRole('button', { name: 'Delete this comment' }).click()
      await expect
        .poll(() => window.page.locator('article').nth(1).textContent())
        .toContain('codex-bot')
    })

    test('labels, put on and taken off', async () => {
      await visitor.opens('Do what it says')
      await window.page.getByLabel('Label', { exact: true }).selectOption('bug')
      await visitor.presses('Add label')
      await visitor.presses('Remove the label bug')
      await expect
        .poll(() => window.page.getByRole('button', { name: 'Remove the label bug' }).count())
        .toBe(0)
      await window.page.getByLabel('Label', { exact: true }).selectOption('codex')
      await visitor.presses('Add label')
      await visitor.sees(working)
    })

    test('a review with a comment on a line, of a pull request', async () => {
      await visitor.opens('Something new', 'Open a pull request')
      await visitor.is('mario')
      const { page } = window
      await page.getByText('Review', { exact: true }).click()
      const form = page.locator('#review')
      await form.getByLabel('Review', { exact: true }).fill('/codex address these')
      await form.getByLabel('Verdict').selectOption('REQUEST_CHANGES')
      await form.getByLabel('Comment on the line').fill('Rename this')
      await form.getByRole('button', { name: 'Submit review' }).click()
      await visitor.sees('Rename this')
      await page.getByText('asked for changes').waitFor()
      await visitor.sees(working)
      await visitor.presses('ends its turn')
      await visitor.sees('I only say that it is done')
    })

    test('a thread is closed and opened again, a pull request merged', async () => {
      await worksOn('Closed while it works')
      await visitor.presses('Close')
      await visitor.sees(/stopped: /i)
      await visitor.presses('Reopen')
      await window.page.getByRole('button', { name: 'Close', exact: true }).waitFor()
      await visitor.opens('To be merged', 'Open a pull request')
      await visitor.presses('Merge')
      await window.page.locator('.state', { hasText: 'merged' }).waitFor()
    })
  })

  describe('who may', () => {
    beforeEach(() => enters())

    test('a stranger is not obeyed, and can change nothing of others', async () => {
      await visitor.opens('From outside')
      await visitor.comments('words of maya')
      await visitor.is('eve')
      await visitor.comments('/codex fix it')
      await window.page
        .getByRole('img', { name: /^-1 by|^confused by/ })
        .or(visitor.said(/may not|not allowed|write access/i))
        .first()
        .waitFor()
      const post = visitor.said('words of maya')
      await post.getByText('Edit or delete').click()
      await post.getByRole('button', { name: 'Delete this comment' }).click()
      await visitor.isRefused('Must have write rights')
      await visitor.presses('Add label')
      await visitor.isRefused('triage rights')
      await visitor.is('posthog[bot]')
      await visitor.comments('/codex says a bot')
      await visitor.is('maya')
      await visitor.comments('/codex status')
      await visitor.sees(/nothing came of the newest request/i)
      expect(await visitor.said('Codex is working').count()).toBe(0)
    })
  })

  describe('time and the process', () => {
    beforeEach(() => enters())

    test('an hour passes: the idle run ends', async () => {
      await worksOn('an hour')
      await visitor.presses('ends its turn')
      await visitor.sees('I only say that it is done')
      await visitor.seesState('Its turn is over')
      const before = await window.page.locator('#clock').textContent()
      await visitor.presses('1 hour')
      await visitor.seesState('Its run is over: completed')
      expect(await window.page.locator('#clock').textContent()).not.toBe(before)
      // Bot and GitHub agree on the time, so what is asked now works as before.
      await worksOn('a day later')
      // The three hours without anything new begin when the bot saw the last thing.
      await visitor.sees('Codex is working')
      await visitor.presses('1 day')
      await visitor.sees('showed nothing new of this run for three hours')
      await worksOn('the next day')
    })

    test('the process is killed: what it was told meanwhile is done by the next one', async () => {
      await worksOn('survive')
      await visitor.presses('Kill it')
      await visitor.seesState('is dead')
      await visitor.presses('ends its turn')
      await visitor.comments('/codex status')
      await visitor.presses('Start it again')
      await visitor.seesState('runs')
      await visitor.sees('I only say that it is done')
    })
  })

  describe('for everybody', () => {
    const looks = [
      { width: 1360, height: 900, dark: false },
      { width: 1360, height: 900, dark: true },
      { width: 390, height: 844, dark: false },
      { width: 390, height: 844, dark: true },
    ]
    test.each(looks)('$width px wide, dark: $dark', async look => {
      await enters(look)
      await visitor.opens(`Seen at ${look.width}, ${look.dark}`, 'Open a pull request')
      await visitor.comments('/codex rename it')
      await visitor.seesState(inTurn)
      const { page } = window
      for (const fold of await page.locator('summary').all())
        if (await fold.isVisible()) await fold.click()
      expect(await flawsOf(window)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(look.width)
      await visitor.presses('fails')
      await visitor.sees('Try again')
      expect(await flawsOf(window)).toEqual([])
    })

    test('by the keyboard alone', async () => {
      await enters()
      const { page } = window
      await visitor.opens('By keys')
      const reach = async (name: string): Promise<void> => {
        const isThere = async (): Promise<boolean> => {
          const [at] = await page.locator(':focus').all()
          return ((await at?.getAttribute('aria-label')) ?? (await at?.textContent())) === name
        }
        for (let presses = 0; presses < 80; presses += 1) {
          await page.keyboard.press('Tab')
          if (await isThere()) return
        }
        throw expect.fail(`the keyboard does not reach ${name}`)
      }
      await page.getByRole('heading', { level: 1 }).click()
      await reach('Comment')
      await page.keyboard.type('/codex fix it')
      await reach('Comment')
      await page.keyboard.press('Enter')
      await visitor.seesState(inTurn)
      await page.getByRole('heading', { level: 1 }).click()
      await reach('Stop this run')
      await page.keyboard.press('Space')
      await visitor.sees('Stopped')
      expect(await flawsOf(window)).toEqual([])
    })
  })
})
