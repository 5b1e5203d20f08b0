/** The line below a pull request's description that says who asked for it, and where. */
import type { Run } from '../record/run.ts'
import { code } from '../text/safe-markdown.ts'
import { small } from './words.ts'

/** By which the line is known, whatever people make of its words. */
export const footerMark = '<!-- codex-asked -->'

/** The login is code and no mention, so the line mails nobody. */
export function pullFooter({ request, thread }: Run): string {
  const who = `Asked for by ${code(request.by.login)} in #${thread.number}`
  return `${small([who, '`/codex …` works here'])} ${footerMark}`
}
