/** What GitHub's pages show of texts, and how it fails to: fixtures for what no engine here makes, and scripted trouble. */
import { type Answer, answer, failure, type Route } from './http.ts'
import { isObject, type JsonObject, textAt } from './json.ts'
import { renderMarkdown } from './markdown.ts'

interface Trouble {
  times: number
  /** `empty`: not rendered yet. `error`: of a field that can't be null, so its parent is. */
  kind: 'empty' | 'error'
}

export class Pages {
  readonly #fixtures = new Map<string, string>()
  readonly #trouble = new Map<string, Trouble>()
  /** Ids of comments whose `bodyHTML` was asked for. */
  readonly asked: string[] = []

  /** E-mail, permalinks, suggestions: GitHub's HTML of a text, wherever it is written. */
  shows(text: string, html: string): void {
    this.#fixtures.set(text, html)
  }

  /** GraphQL has no HTML of the text, so often. */
  fails(text: string, kind: Trouble['kind'], times = Number.POSITIVE_INFINITY): void {
    this.#trouble.set(text, { kind, times })
  }

  htmlOf(text: string): Promise<string> {
    const fixture = this.#fixtures.get(text)
    return fixture === undefined ? renderMarkdown(text) : Promise.resolve(fixture)
  }

  /** As GraphQL's `bodyHTML` gives it. @throws when it is scripted to fail */
  async bodyHtml(text: string): Promise<string> {
    const trouble = this.#trouble.get(text)
    if (!trouble || trouble.times <= 0) return this.htmlOf(text)
    trouble.times -= 1
    if (trouble.kind === 'error') throw new Error('Something went wrong while executing your query.')
    return ''
  }

  /** `Accept: application/vnd.github.full+json` */
  async addTo(value: unknown): Promise<void> {
    for (const one of Array.isArray(value) ? value : [value])
      if (isObject(one) && typeof one.body === 'string' && 'user' in one)
        one.body_html = await this.htmlOf(one.body)
  }

  readonly routes: Route[] = [
    {
      method: 'POST',
      path: '/markdown',
      handle: async ({ body }) => this.#render({ ...(isObject(body) && body) }),
    },
  ]

  async #render(asked: JsonObject): Promise<Answer> {
    const text = textAt(asked, 'text')
    if (Buffer.byteLength(text) > 400_000) return failure(403, 'This is too much Markdown.')
    const html = await this.htmlOf(text)
    // Without the mode a line of the writer's ends nowhere.
    const shown = asked.mode === 'gfm' ? html : html.replaceAll('<br>\n', '\n')
    const headers = { 'content-type': 'text/html;charset=utf-8' }
    return { ...answer(200, undefined, headers), raw: Buffer.from(shown), unchanged: true }
  }
}
