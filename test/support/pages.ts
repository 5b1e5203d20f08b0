/** What the pages show, as the emulator renders them: for bots without edges, and for what is pure. */
import { renderMarkdown, renderMarkdownNow } from '../../emulators/github/markdown.ts'
import type { SeenText } from '../../src/core/command/find.ts'
import type { WrittenText } from '../../src/core/model/ports.ts'
import { asWritten, type ShownText, shownText } from '../../src/core/text/shown-text.ts'

const webUrl = 'https://github.com/acme/shop/issues/7'

export const shownIn = (texts: readonly WrittenText[]): Promise<(ShownText | undefined)[]> =>
  Promise.all(
    texts.map(
      async ({ text, addresses }) =>
        asWritten(text) ?? shownText(await renderMarkdown(text), { webUrl, addresses }),
    ),
  )

/** A text of somebody who may give instructions. */
export const seen = (text: string): SeenText => ({
  text,
  page: asWritten(text) ?? shownText(renderMarkdownNow(text), { webUrl, addresses: 'whole' }),
})
