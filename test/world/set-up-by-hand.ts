/** The set-up page without a browser. */
import type { Enterprise } from '../../emulators/github/enterprise.ts'
import type { Bot } from './bot.ts'
import type { World } from './world.ts'

export async function openSetUp(bot: Bot, { host }: Enterprise, { posthog }: World) {
  const opened = await fetch(await bot.says(/http:[^\s"]+token=[\w-]+/), { redirect: 'manual' })
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
  const read = async (path = '/set-up'): Promise<string> =>
    (await fetch(bot.url + path, { headers: { cookie } })).text()
  const send = (to: string, form: Record<string, string> = {}): Promise<Response> => {
    const { href, origin } = new URL(to, bot.url)
    const body = new URLSearchParams(form)
    return fetch(href, { method: 'POST', headers: { cookie, origin }, body, redirect: 'manual' })
  }
  const values = {
    name: 'Codex at Acme',
    organization: '',
    enterprise: host,
    webhook: '',
    posthogHost: posthog.url,
    posthogKey: posthog.apiKey,
    posthogProject: String(posthog.projectId),
  }
  /** A page from which GitHub can be asked for the App. */
  async function reviews(others: Partial<typeof values> = {}) {
    await send('/set-up/review', { ...values, ...others })
    const page = await read('/set-up/review')
    const [, manifest = ''] = /name="manifest" value="([^"]+)"/.exec(page) ?? []
    /** @returns where GitHub's redirect leads, or ours if it does not come to that */
    return async function creates(): Promise<string> {
      const form = { manifest: manifest.replaceAll('&quot;', '"') }
      const created = await send('/set-up/create', form)
      const place = created.headers.get('location') ?? ''
      if (created.status !== 307) return place
      const [, id = ''] = /value="([^"]+)"/.exec(await (await send(place, form)).text()) ?? []
      return (await send(`http://${host}/agree`, { id })).headers.get('location') ?? ''
    }
  }
  return {
    values,
    read,
    send,
    reviews,
    async makesApp(others: Partial<typeof values> = {}): Promise<void> {
      const creates = await reviews(others)
      await fetch(await creates(), { headers: { cookie }, redirect: 'manual' })
    },
  }
}
