/** Finds lines that begin with the command word, outside code, quotes, links and HTML. */
import { usualTrigger } from '../settings/trigger-words.ts'
import { readPositions } from '../text/markdown.ts'
import { timeFor, withinTime } from '../text/within-time.ts'
import { commandStart, separators } from './line-start.ts'
import { afterLoneTags } from './lone-tags.ts'
import { inside, ownNodes, type Range, rangeOf } from './own-nodes.ts'
import { type Line, type Piece, piecesOf } from './pieces.ts'
import { wordPattern } from './word-pattern.ts'

export interface CommandText {
  line: string
  below: string
}

export interface FoundCommands {
  commands: CommandText[]
  unreadable: boolean
}

export const namesWord = (text: string, word: string): boolean => bareWord(word).test(text)
const bareWord = wordPattern(word => `/${word}`, 'i')

/** Linear time. False means that there is no command. */
export const mayHoldCommand = (text: string, word = usualTrigger.word): boolean =>
  namesWord(text, word) && startOfLine(word).test(text)
const startOfLine = wordPattern(commandStart, 'mu')

/** @param word without the slash: letters, digits and hyphens */
export function findCommands(text: string, word = usualTrigger.word): FoundCommands {
  if (!mayHoldCommand(text, word)) return { commands: [], unreadable: false }
  const source = text.replace(/\r\n?/g, '\n')
  const pieces = piecesOf(source).map(piece => ({ ...piece, starts: startsOf(source, piece, word) }))
  const readAll = (): ReadStarts[] => pieces.map(piece => readStarts(source, piece))
  const read = withinTime(readAll, timeFor(source)) ?? pieces.map(cautiously)
  const hidden = afterLoneTags(source)
  const starts = read.flatMap(piece => piece.starts).filter(({ at }) => !hidden.has(at))
  return {
    commands: starts.map((start, index) => ({
      line: source.slice(start.restAt, start.end).trim(),
      below: source.slice(start.end + 1, starts[index + 1]?.at ?? source.length).trimEnd(),
    })),
    unreadable: read.some(({ unreadable }) => unreadable),
  }
}

interface Start extends Line {
  slash: number
  restAt: number
  sure: boolean
}

interface Candidates extends Piece {
  starts: Start[]
}

function startsOf(source: string, { from, plainTo, lines }: Piece, word: string): Start[] {
  const commandLine = new RegExp(`${commandStart(word)}${separators}`, 'u')
  const hidesFrom = mayHide.exec(source.slice(from, plainTo))?.index ?? Number.POSITIVE_INFINITY
  return lines.flatMap(({ at, end }) => {
    const match = commandLine.exec(source.slice(at, end))
    if (!match) return []
    const sure = at < plainTo && at <= from + hidesFrom
    return [{ at, end, slash: at + match[0].indexOf('/'), restAt: at + match[0].length, sure }]
  })
}

interface ReadStarts {
  starts: Start[]
  unreadable: boolean
}

function readStarts(source: string, piece: Candidates): ReadStarts {
  if (piece.starts.every(({ sure }) => sure)) return { starts: piece.starts, unreadable: false }
  const refers = source.includes(']:') && source.slice(piece.from, piece.to).includes('[')
  const [from, to] = refers ? [0, source.length] : [piece.from, piece.to]
  const ranges = plainRanges(source.slice(from, to))
  if (!ranges) return cautiously(piece)
  const isPlain = ({ slash }: Start): boolean => ranges.some(range => inside(slash - from, range))
  return { starts: piece.starts.filter(start => start.sure || isPlain(start)), unreadable: false }
}

const cautiously = ({ starts }: Candidates): ReadStarts => ({
  starts: starts.filter(({ sure }) => sure),
  unreadable: starts.some(({ sure }) => !sure),
})

const mayHide = /[`<[]/

function plainRanges(source: string): Range[] | undefined {
  const tree = readPositions(source)
  return tree && [...ownNodes(tree)].filter(({ type }) => type === 'text').flatMap(rangeOf)
}
