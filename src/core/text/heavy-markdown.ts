/** Beyond these, parsing takes too long or overflows the stack. */
const maxLines = 1_000
const maxSigns = 2_000
const maxEffort = 300_000
const maxUnderlines = 100
const maxMarkers = 600
const deep = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){12}|^[ \t]{40}[ \t]*(?:>|[-+*]|\d{1,9}[.)])/m

export function isHeavy(source: string): boolean {
  const prose = source.replace(fencedCode, '')
  const signs = prose.split(/\n[ \t>]*\n/).map(paragraph => countOf(sign, paragraph))
  return (
    countOf(/\n/g, prose) > maxLines ||
    sumOf(signs) > maxSigns ||
    // The meaning of a sign may depend on all others of its paragraph.
    sumOf(signs.map(count => count ** 2)) > maxEffort ||
    countOf(/^[ \t>]*[=-]+[ \t]*$/gm, prose) > maxUnderlines ||
    sumOf(prose.split('\n').map(markersOf)) > maxMarkers ||
    deep.test(prose)
  )
}

const sign = /[[\]()@]|([\p{P}\p{S}])\1{0,15}/gu
const fencedCode = /^(`{3,}(?!`)|~{3,}(?!~))[^`\n]*\n(?:.*\n)*?\1[`~]*[ \t]*$/gm

const markersOf = (line: string): number =>
  countOf(/>|[-+*]|\d[.)]/g, /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)]))*/.exec(line)?.[0] ?? '')

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

const countOf = (sign: RegExp, text: string): number => text.match(sign)?.length ?? 0
