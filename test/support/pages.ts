/** What the pages show, for bots without edges, and for what is pure. */
import type { SeenText } from '../../src/core/command/find.ts'
import type { WrittenText } from '../../src/core/model/ports.ts'
import type { SeenPage } from '../../src/core/text/seen-page.ts'
import { isShort, shownText } from '../../src/core/text/shown-text.ts'

/** Whether GitHub is asked, or a thread of its own reads. */
export const isAsked = (texts: readonly WrittenText[]): boolean =>
  texts.some(({ text, mayBeMinimized }) => mayBeMinimized || !isShort(text))

export const shownIn = async (texts: readonly WrittenText[]): Promise<(SeenPage | undefined)[]> =>
  texts.map(({ text, addresses }) => shownText(text, { addresses }))

/** A text of somebody who may give instructions. */
export const seen = (text: string): SeenText => ({
  text,
  page: shownText(text, { addresses: 'whole' }),
})
