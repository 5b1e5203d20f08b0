/**
 * Nearly all webhooks ask for nothing, and their bytes say so. In doubt the payload is parsed, so what is ignored here
 * would be ignored there.
 */

/** Where only words count, and the first key says whether somebody has just written them. */
const spoken = new Set(['issue_comment', 'pull_request_review_comment'])
const created = Buffer.from('{"action":"created",')
/** A hook that is no App's is told so; the key stands near the end, and in a text its quotes would be escaped. */
const ofApp = '"installation":{"id":'

/** JSON can spell a slash, a hyphen, a letter or a digit by its number. */
const spelled = String.raw`\\u00(?:2[df]|3\d|[46][1-9a-f]|[57][0-9a])`

/** @param words all that commands may begin with here; the same list as long as nothing changes */
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
