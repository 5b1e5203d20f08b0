/** What GitHub's pages show of texts, and how it fails to, as scripted. */
import { type Answer, answer, failure, type Route, route } from './http.ts'
import { isObject, type JsonObject, textAt } from './json.ts'
import { renderMarkdown } from './markdown.ts'

interface Trouble {
  times: number
  /** `empty`: not rendered yet. `error`: of a field that can't be null, so its parent is. */
  kind: 'empty' | 'error'
}

export class Pages {
  readonly #trouble = new Map<string, Trouble>()

  /** GraphQL has no HTML of the text, so often. */
  fails(text: string, kind: Trouble['kind'], times = Number.POSITIVE_INFINITY): void {
    this.#trouble.set(text, { kind, times })
  }

  /** As GraphQL's `bodyHTML` gives it. @throws when it is scripted to fail */
  async bodyHtml(text: string): Promise<string> {
    const trouble = this.#trouble.get(text)
    if (!trouble || trouble.times <= 0) return renderMarkdown(text)
    trouble.times -= 1
    if (trouble.kind === 'error')
      throw new Error('Something went wrong while executing your query.')
    return ''
  }

  /** `Accept: application/vnd.github.full+json` */
  async addTo(value: unknown): Promise<void> {
    for (const one of Array.isArray(value) ? value : [value])
      if (isObject(one) && typeof one.body === 'string' && 'user' in one)
        one.body_html = await renderMarkdown(one.body)
  }

  readonly routes: Route[] = [
    route('POST', '/markdown', async ({ body }) => this.#render({ ...(isObject(body) && body) })),
  ]

  async #render(asked: JsonObject): Promise<Answer> {
    const text = textAt(asked, 'text')
    if (Buffer.byteLength(text) > 400_000) return failure(403, 'This is too much Markdown.')
    const html = await renderMarkdown(text)
    // Without the mode a line of the writer's ends nowhere.
    const shown = asked.mode === 'gfm' ? html : html.replaceAll('<br>\n', '\n')
    const headers = { 'content-type': 'text/html;charset=utf-8' }
    return { ...answer(200, undefined, headers), raw: Buffer.from(shown), unchanged: true }
  }
}
