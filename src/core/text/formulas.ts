/** Formulas that GitHub renders. TeX can hide words, so only formulas of plain commands are kept. */
import { type Nodes, readPositions } from './markdown.ts'

const unread = '[formula]'

export function withoutHidingFormulas(text: string, drop: (hidden: string) => void = () => {}): string {
  const found = [...text.matchAll(formula)].filter(([whole]) => mayHide(whole))
  if (found.length === 0) return text
  const code = codeIn(text)
  let from = 0
  const kept: string[] = []
  for (const { index, 0: whole } of found) {
    const end = index + whole.length
    if (code.some(span => span.start < end && index < span.end)) continue
    drop(whole)
    kept.push(text.slice(from, index), unread)
    from = end
  }
  return kept.join('') + text.slice(from)
}

export const shownMath = (lines: string): string => (mayHide(lines) ? unread : lines)

const formula =
  /(?<!\\)(?:\\\\)*\$(?:\\[^\n]|\\?\n(?!\s*\n)|[^$\\\n])+\$|(?:`{3}|~{3})[`~ \t]*math\b[\s\S]*?(?:`{3}|~{3}|$)/gi

const letters =
  'alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|vartheta|iota|kappa|lambda|mu|nu|xi|pi|varpi|rho|varrho|sigma|varsigma|tau|upsilon|phi|varphi|chi|psi|omega|hbar|ell|aleph|infty|partial|nabla|emptyset|varnothing|Re|Im|mathbb|mathcal|mathbf|mathrm|mathit|mathsf|mathtt|mathfrak|text|textbf|textit|operatorname'
const operators =
  'frac|dfrac|tfrac|binom|sqrt|sum|prod|int|iint|oint|lim|limits|log|ln|exp|sin|cos|tan|min|max|arg|sup|inf|det|gcd|deg|dim|ker|mod|bmod|pmod|cdot|cdots|ldots|dots|vdots|ddots|times|div|pm|mp|ast|star|circ|bullet|oplus|otimes|cup|cap|setminus|wedge|vee|land|lor|neg|lnot|not'
const relations =
  'le|leq|ge|geq|ne|neq|lt|gt|ll|gg|equiv|approx|sim|simeq|cong|propto|in|notin|ni|subset|subseteq|supset|supseteq|forall|exists|nexists|mid|parallel|perp|to|gets|mapsto|leftarrow|rightarrow|leftrightarrow|uparrow|downarrow|iff|implies'
const shapes =
  'left|right|big|bigl|bigr|lfloor|rfloor|lceil|rceil|langle|rangle|lvert|rvert|vert|overline|underline|hat|bar|vec|dot|ddot|tilde|widehat|widetilde|quad|qquad'

/** Commands that hide, shrink, move and define nothing. */
const plain = new RegExp(
  String.raw`\\(?:[^A-Za-z\s]|\s|(?:${letters}|${operators}|${relations}|${shapes})(?![A-Za-z])|(?:begin|end)\{(?:[pbv]?matrix|cases|aligned)\})`,
  'gi',
)

const mayHide = (tex: string): boolean => /[\\%]/.test(tex.replace(plain, ''))

interface Span {
  start: number
  end: number
}

function codeIn(text: string): Span[] {
  const tree = readPositions(text)
  const spans: Span[] = []
  const pending: Nodes[] = tree ? [tree] : []
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (isCode(node, text)) spans.push(spanOf(node))
    else if ('children' in node) for (const child of node.children) pending.push(child)
  }
  return spans
}

const spanOf = ({ position }: Nodes): Span => ({
  start: position?.start.offset ?? 0,
  end: position?.end.offset ?? 0,
})

/** Code between dollars, or a block of `math`. GitHub counts 80 backticks at most. */
function isCode(node: Nodes, text: string): boolean {
  if (node.type === 'code') return node.lang?.toLowerCase() !== 'math'
  if (node.type !== 'inlineCode') return false
  const { start, end } = spanOf(node)
  return !(text[start - 1] === '$' && text[end] === '$') && !/^`{81}/.test(text.slice(start, start + 81))
}
