/** What the pages show, as the emulator renders them: for bots without edges, and for what is pure. */
import { renderMarkdown, renderMarkdownNow } from '../../emulators/github/markdown.ts'
import { type SeenText, seenPage } from '../../src/core/command/find.ts'
import type { WrittenText } from '../../src/core/model/ports.ts'
import { asWritten, type SeenPage } from '../../src/core/text/seen-page.ts'

const webUrl = 'https://github.com/acme/shop/issues/7'

/** Whether GitHub is asked: not for plain words. */
export const isAsked = (texts: readonly WrittenText[]): boolean =>
  texts.some(({ text, mayBeMinimized }) => mayBeMinimized || !asWritten(text))

export const shownIn = (texts: readonly WrittenText[]): Promise<(SeenPage | undefined)[]> =>
  Promise.all(
    texts.map(
      async ({ text, addresses, calls }) =>
        asWritten(text) ??
        seenPage({ text, html: await renderMarkdown(text) }, { webUrl, addresses, calls }),
    ),
  )

/** A text of somebody who may give instructions. Of several pieces, each has a page of its own, below the one before. */
export function seen(given: string | readonly string[], calls?: string): SeenText {
  const pieces = [given].flat()
  const text = pieces.join('')
  const page = (): SeenPage | undefined =>
    seenPage(
      { text, html: pieces.map(renderMarkdownNow).join('\n') },
      { webUrl, addresses: 'whole', calls },
    )
  return { text, page: asWritten(text) ?? page() }
}
