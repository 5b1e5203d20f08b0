/** Finds commands where none are read (list, heading, table, indented line, behind a courtesy), to tell the writer. */
import { usualTrigger } from '../settings/trigger-words.ts'
import { type Nodes, readPositions } from '../text/markdown.ts'
import { namesWord } from './find.ts'
import { misplacedStarts } from './line-start.ts'
import { inside, ownNodes, type Range, rangeOf } from './own-nodes.ts'
import { wordPattern } from './word-pattern.ts'

const places = misplacedStarts.map(start => wordPattern(start, 'gmu'))
const anyPlace = wordPattern(word => misplacedStarts.map(start => `(?:${start(word)})`).join('|'), 'mu')

export const mayBeMisplaced = (text: string, word = usualTrigger.word): boolean =>
  namesWord(text, word) && anyPlace(word).test(text)

function* slashesOf(text: string, word: string): Generator<number> {
  for (const withWord of places)
    for (const match of text.matchAll(withWord(word))) yield match.index + match[0].lastIndexOf('/')
}

/** Ignores code, quotes, links, HTML, and text too complex to parse. */
export function isMisplaced(text: string, word = usualTrigger.word): boolean {
  const source = text.replace(/\r\n?/g, '\n')
  const slashes = [...slashesOf(source, word)]
  const tree = slashes.length > 0 ? readPositions(source) : undefined
  if (!tree) return false
  return placesIn(tree, source, word).some(range => slashes.some(at => inside(at, range)))
}

function placesIn(tree: Nodes, source: string, word: string): Range[] {
  const atStart = new RegExp(String.raw`^[ \t]*/${word}`, 'i')
  return [...ownNodes(tree)].flatMap(node => {
    if (node.type === 'text') return rangeOf(node)
    const isCommand = node.type === 'code' && atStart.test(node.value)
    return isCommand ? rangeOf(node).flatMap(range => indented(range, source)) : []
  })
}

/** Lines indented by four spaces are rarely meant as code; fenced ones are. */
function indented({ from, to }: Range, source: string): Range[] {
  const [first = ''] = source.slice(from, to).split('\n', 1)
  return /^[ \t]*[`~]{3}/.test(first) ? [] : [{ from, to: from + first.length }]
}
