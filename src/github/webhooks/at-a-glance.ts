/** Ignores, by their bytes, most webhooks that hold no command, with the same result as parsing. */

/** Events in which only new text counts. */
const spoken = new Set(['issue_comment', 'pull_request_review_comment'])
const created = Buffer.from('{"action":"created",')
/** Only Apps' webhooks have it; in a text its quotes would be escaped. */
const ofApp = '"installation":{"id":'

/** JSON can escape these characters. */
const spelled = String.raw`\\u00(?:2[df]|3\d|[46][1-9a-f]|[57][0-9a])`

/** @param words all command words; the same array until they change */
export function silenceJudge(words: () => readonly string[]): (event: string, body: Buffer) => boolean {
  let known: readonly string[] = []
  let mayBeCommand = /(?:)/
  return (event, body) => {
    if (!spoken.has(event) || !startsWith(body, created)) return false
    const now = words()
    if (now !== known) {
      known = now
      mayBeCommand = new RegExp(`/(?:${now.join('|')})|${spelled}`, 'i')
    }
    const text = body.toString('latin1')
    return text.lastIndexOf(ofApp) > 0 && !mayBeCommand.test(text)
  }
}

const startsWith = (body: Buffer, beginning: Buffer): boolean =>
  body.length > beginning.length && beginning.compare(body, 0, beginning.length) === 0
