/** Somebody opens the playground: the thread lives, what is behind it shows, and nothing of others does anything there. */
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { browserAvailable, flawsOf, openWindow } from '../world/browser.ts'
import { type Started, startPlayground, Visitor } from './visitor.ts'

let playground: Started
beforeAll(async () => {
  playground = await startPlayground()
})
afterAll(() => playground?.close())

/** fetch does not let a caller choose the host. */
const send = (path: string, headers: Record<string, string>, body?: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    request(new URL(path, playground.address), { method, headers }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end(body)
  })

describe('it is for this machine and this page', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const comment = 'body=hello'

  test('another page can send nothing', async () => {
    const path = 'threads/1/comments'
    expect(await send(path, { ...form, origin: 'https://evil.example' }, comment)).toBe(403)
    expect(await send(path, { ...form, origin: 'null' }, comment)).toBe(403)
    expect(await send(path, form, comment)).toBe(403)
    expect(await send(path, { ...form, origin: new URL(playground.address).origin }, comment)).toBe(
      303,
    )
  })

  test('a name that leads here opens nothing', async () => {
    expect(await send('threads/1', { host: 'evil.example' })).toBe(421)
    expect(await send('threads/1', {})).toBe(200)
  })

  test('no page takes it into a frame, and no script but its own runs', async () => {
    const { headers } = await fetch(playground.address)
    const policy = headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('a thread that is not there says so', async () => {
    expect(await send('threads/999', {})).toBe(404)
  })
})

describe.skipIf(!browserAvailable())('in a browser', () => {
  async function visits() {
    const window = await openWindow({ width: 1360, height: 900 })
    onTestFinished(() => window.close())
    const visitor = new Visitor(window, playground.address)
    await visitor.goes(1)
    return { visitor, page: window.page }
  }

  test('an answer that was overtaken does not lead back to where it was asked for', async () => {
    const { visitor, page } = await visits()
    let letGo = (): void => {}
    const held = new Promise<void>(resolve => {
      letGo = resolve
    })
    await page.route('**/turns', async route => {
      await held
      await route.continue()
    })
    await visitor.lets('hangs')
    await visitor.opens('Opened meanwhile')
    const answered = page.waitForResponse(/\/threads\/1$/)
    letGo()
    await answered
    await visitor.comments('said in the new one')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain(
      'Opened meanwhile',
    )
  })

  test('a command, its status as it changes, what is behind it, and a stop by its box', async () => {
    const { visitor, page } = await visits()
    expect(await flawsOf(visitor.window)).toEqual([])
    await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }))
    await visitor.lets('hangs')
    await visitor.comments('/codex fix the flaky login test')
    await visitor.sees('Codex is working')
    await visitor.seesState('It is in the middle of its turn.')

    expect(await visitor.reads('Request of a run')).toContain('"runtime_adapter": "codex"')
    expect(await visitor.reads('Request of a run')).toContain('fix the flaky login test')
    expect(await visitor.reads('Record of the run')).toContain('"text": "fix the flaky login test"')
    const calls = await visitor.reads('Calls since your last action')
    expect(calls).toMatch(/GitHub +POST issues\/comments +201/)
    expect(calls).toMatch(/PostHog +POST run +20\d/)
    expect(Number(await page.locator('#calls-github').textContent())).toBeGreaterThan(3)

    const draft = page.getByLabel('Comment', { exact: true })
    await draft.fill('half a sentence')
    await visitor.said('Codex is working').getByRole('checkbox', { name: 'Stop' }).check()
    await visitor.sees('Stopped')
    expect(await draft.inputValue()).toBe('half a sentence')
    expect(await page.evaluate(() => 'sameDocument' in globalThis)).toBe(true)
    expect(await flawsOf(visitor.window)).toEqual([])
  })

  test('a refusal stands beside its button and names the limit, until the next try', async () => {
    const { visitor, page } = await visits()
    const draft = page.getByLabel('Comment', { exact: true })
    await draft.fill('x'.repeat(70_000))
    const form = page.locator('form', { has: draft })
    await form.getByRole('button', { name: 'Comment', exact: true }).click()
    const refusal = form.getByRole('alert')
    await refusal.waitFor()
    expect(await refusal.textContent()).toContain('Body is too long (maximum is 65536 characters)')
    expect((await draft.inputValue()).length).toBe(70_000)
    expect(await flawsOf(visitor.window)).toEqual([])
    await draft.fill('shorter')
    await form.getByRole('button', { name: 'Comment', exact: true }).click()
    await visitor.sees('shorter')
    expect(await refusal.count()).toBe(0)
  })

  test('what others write is words', async () => {
    const { visitor, page } = await visits()
    const hostile =
      '</textarea><script>globalThis.live = 1</script><img src=x onerror="globalThis.live = 1"> <a href="javascript:globalThis.live = 1" id="problem" class="danger">here</a>'
    await visitor.opens(`"><script>globalThis.live = 1</script> ${hostile}`.slice(0, 150))
    await visitor.is('eve')
    await page.getByLabel('Comment', { exact: true }).fill(hostile)
    await page.getByRole('button', { name: 'Comment', exact: true }).click()
    await visitor.sees('here')
    await page.reload()
    await visitor.sees('here')
    expect(await page.evaluate(() => 'live' in globalThis)).toBe(false)
    expect(await page.locator('.markdown-body script, .markdown-body [onerror]').count()).toBe(0)
    expect(await page.locator('a[href^="javascript"], .markdown-body .danger').count()).toBe(0)
    expect(await page.locator('#problem').count()).toBe(1)
    expect(await visitor.said('here').getByLabel('Text').inputValue()).toBe(hostile)
  })

  test('after a kill and a start, it says that missed webhooks are asked for, and when', async () => {
    const { visitor, page } = await visits()
    expect(await page.locator('#missed').count()).toBe(0)
    await visitor.presses('Kill it')
    await visitor.seesState('is dead')
    expect(await page.locator('#missed').count()).toBe(0)
    await visitor.presses('Start it again')
    await visitor.seesState('runs')
    expect(await page.locator('#missed').textContent()).toMatch(
      /asks GitHub for the webhooks that it missed.*at its start, and every 60 seconds/,
    )
    expect(await flawsOf(visitor.window)).toEqual([])
  })
})
