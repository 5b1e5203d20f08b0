import type { Run } from '../record/run.ts'
import { code } from '../text/safe-markdown.ts'
import { small } from './words.ts'

/** By which the line is known, whatever people make of its words. */
export const footerMark = '<!-- codex-asked -->'

/** Says on a pull request for whom it was made, and where. It mails nobody. */
export function pullFooter({ request, thread }: Run): string {
  const who = `Asked for by ${code(request.by.login)} in #${thread.number}`
  return `${small([who, '`/codex …` works here'])} ${footerMark}`
}
