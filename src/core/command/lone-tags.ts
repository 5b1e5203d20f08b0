/**
 * A tag alone on its line, below a list item, a quote or a footnote that it does not belong to, begins HTML on GitHub
 * up to the next empty line. The specification, and with it our parser, takes it for a line of the paragraph before
 * it; and so, everywhere, if a form feed stands behind the tag, which GitHub passes over.
 */
import { isBlank, linesOf } from './pieces.ts'

const marker = /^[ \t]*(?:[-+*]|\d{1,9}[.)]|>|\[\^)/
const loneTag = /^ {0,3}<\/?[a-z].*>[ \t\f]*$/i

/** It is not known here where a list or quote ended: rather a command too few than one too many. */
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
