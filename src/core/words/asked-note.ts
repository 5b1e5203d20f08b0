import type { Run } from '../record/run.ts'
import { code } from '../text/safe-markdown.ts'
import { small } from './words.ts'

/** By which the line is known, whatever people make of its words. */
export const askedMark = '<!-- codex-asked -->'

/** The line on a pull request that says for whom it was made, and where. It mails nobody. */
export const askedNote = ({ request, thread }: Run): string =>
  `${small([`Asked for by ${code(request.by.login)} in #${thread.number}`, '`/codex …` works here'])} ${askedMark}`
