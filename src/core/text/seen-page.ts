/** What GitHub's page shows of a text, as plain text. `shown-text.ts` reads it from the page's HTML. */
import { stripInvisible } from './invisible.ts'
import type { OwnLine } from './shown-lines.ts'

export interface ShownText {
  /** Lines end with a line feed; code stands between fences, addresses behind the words of links. */
  text: string
  own: OwnLine[]
  /** What begins elsewhere where no command is read: in lists, headings, cells. At most 100 characters each. */
  elsewhere: string[]
  /** First lines of code that may be an indented paragraph. */
  indented: string[]
  /** Addresses of links and pictures that can be seen, without secrets. Words are those of a link. */
  files: { url: string; words: string }[]
  /** Shown in another form, of which the text only says that it is there: formulas and diagrams. */
  replaced: string
  /** Longer, deeper or wider than is read; the text says where. */
  cut: boolean
}

/** What is shown of a text, beside the text as it was written. */
export interface SeenPage extends ShownText {
  /** How many of its words the page does not show, rewritings apart. */
  unshown: number
  /** Where in the text the commands begin of which the page does not show all. */
  hiding: number[]
  /** Folded away by somebody, so that nothing of it is shown. */
  minimized?: true
}

export interface Reading {
  /** Any page of the text's GitHub. */
  webUrl: string
  /** `whole` for the instruction of who may give one; of others only the host, or the path on the same host. */
  addresses: 'whole' | 'host'
}

/** Nothing in it is a sign to Markdown, HTML or GitHub: lines of words that begin with a letter, or a command. */
const plainLine = /^(?:\/?\p{L}(?:[\p{L}\p{N} ,;.?!()%+='"’“”–—/-]|:(?= |$))*)?$/u

/** GitHub shows such a text as it was written, so nobody has to be asked. `undefined` for any other. */
export function asWritten(text: string): SeenPage | undefined {
  const source = text.replace(/\r\n?/g, '\n')
  const lines = source.split('\n')
  if (stripInvisible(source) !== source || !lines.every(line => plainLine.test(line))) return undefined
  if (lines.length > 200 || /\bwww\.| {2}/.test(source)) return undefined
  const own: OwnLine[] = []
  let at = 0
  for (const line of lines) {
    if (line !== '') own.push({ at, plain: line.length })
    at += line.length + 1
  }
  return { ...blank, text: source.trimEnd(), own }
}

const blank: SeenPage = {
  ...{ text: '', own: [], elsewhere: [], indented: [], files: [], replaced: '', cut: false },
  ...{ unshown: 0, hiding: [] },
}

export const minimizedPage: SeenPage = { ...blank, minimized: true }
