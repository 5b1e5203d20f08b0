/** What a person can read of a text on GitHub's page. `shown-text.ts` takes it from the Markdown. */
import type { OwnLine } from './shown-lines.ts'

export interface SeenPage {
  /** Lines end with a line feed; code stands between fences, addresses behind the words of links. */
  text: string
  own: OwnLine[]
  /** What begins elsewhere where no command is read: in lists, headings, cells. At most 100 characters each. */
  elsewhere: string[]
  /** First lines of code that may be an indented paragraph. */
  indented: string[]
  /** Addresses of links and pictures that can be seen, without secrets. Words are those of a link. */
  files: { url: string; words: string }[]
  /** There is more that is not read; the text says where, and why. */
  cut: boolean
  /** How many of its words the page does not show. */
  unshown: number
  /** Where in the text those stand. */
  hidden: number[]
  /** Nothing of it is shown: somebody folded it away, or changed it after the command. */
  minimized?: true
  changed?: true
}

export interface Reading {
  /** `whole` for the instruction of who may give one. */
  addresses: 'whole' | 'none'
}

const blank: SeenPage = {
  text: '',
  own: [],
  elsewhere: [],
  indented: [],
  files: [],
  cut: false,
  unshown: 0,
  hidden: [],
}

export const minimizedPage: SeenPage = { ...blank, minimized: true }
export const changedPage: SeenPage = { ...blank, changed: true }
