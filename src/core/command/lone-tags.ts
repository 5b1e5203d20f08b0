/**
 * A tag alone on its line begins HTML on GitHub, even below a list item, quote or footnote that it does not belong to.
 * CommonMark, and so our parser, reads it as text. GitHub also ignores a form
 * feed behind a tag; our parser does not.
 */
import { isBlank, linesOf } from './pieces.ts'

const marker = /^[ \t]*(?:[-+*]|\d{1,9}[.)]|>|\[\^)/
const loneTag = /^ {0,3}<\/?[a-z].*>[ \t\f]*$/i

/** Rather misses a command than reads one too many. */
export function afterLoneTags(source: string): ReadonlySet<number> {
  const hidden = new Set<number>()
  let contained = false
  let isHtml = false
  for (const { at, end } of linesOf(source)) {
    const line = source.slice(at, end)
    if (isBlank(line)) isHtml = false
    else if (isHtml) hidden.add(at)
    else isHtml = (contained || line.endsWith('\f')) && loneTag.test(line)
    contained ||= marker.test(line)
  }
  return hidden
}
