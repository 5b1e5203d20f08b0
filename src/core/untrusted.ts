/** Text from GitHub on its way to the agent: what a reader of the page can't see is taken out first. */

/**
 * Characters that show nothing or change how their neighbours show: controls, zero-width, bidirectional,
 * variation selectors, tags (U+E0000–E007F), fillers and the soft hyphen.
 */
const invisible =
  /\u034f|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu

export const stripInvisible = (text: string): string => text.toWellFormed().replace(invisible, '')

/** HTML comments, closed or running to the end, as GitHub's renderer hides them. */
const htmlComment = /<!--[\s\S]*?(?:-->|$)/g

/** Tags keep their name only: attributes are read by machines, not by people. */
const tag = /<(\/?[A-Za-z][A-Za-z0-9-]*)(?:\s[^<>]*)?(\/?)>/g

/** What a person who reads the rendered text sees, more or less, at most `maxLength` characters of it. */
export function visibleText(text: string, maxLength: number): string {
  const visible = stripInvisible(text)
    .replace(/\r\n?/g, '\n')
    .replace(htmlComment, '')
    .replace(tag, '<$1$2>')
    .trim()
  return visible.length > maxLength
    ? `${visible.slice(0, maxLength)}\n[… cut here: the text is longer]`
    : visible
}

/**
 * Puts text between two lines that only this run knows, so that nothing inside can end it early.
 * @param fence random, and taken out of the text wherever it appears there
 */
export function fenced(text: string, fence: string): string {
  return `<<<${fence}\n${text.replaceAll(fence, '')}\n${fence}>>>`
}
