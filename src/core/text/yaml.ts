/** The only YAML parser, bounded in length, depth and time. */
import * as yaml from 'yaml'
import { withinTime } from './event-loop.ts'
import { madeIn } from './newest-map.ts'

export interface YamlProblem {
  line: number | undefined
  /** The key that it is about, or nothing. */
  key: string
  message: string
}

export type YamlRead =
  | { kind: 'problems'; problems: YamlProblem[] }
  | { kind: 'read'; value: unknown; lineOf(path: readonly string[]): number | undefined }

/** Settings that anybody writes have a tenth of it, and nothing of that length takes 200 ms (measured, slow machine). */
const maxLength = 20_000
const maxDepth = 20
/** ms. Only a net: the length is the limit. */
const maxTime = 1_000
const maxProblems = 10

export function readYaml(text: string): YamlRead {
  if (text.length > maxLength) return whole(`is longer than ${maxLength} characters`)
  if (mayNestTooDeep(text)) return whole(`is nested deeper than ${maxDepth} levels`)
  return (
    withinTime(() => parse(text), maxTime) ??
    whole('takes too long to be read: it is nested too deep or too long')
  )
}

/** Checked before parsing: nesting takes stack, and a regular expression compiled at its end ends the process. */
function mayNestTooDeep(text: string): boolean {
  if (/^[ \t]*(?:[-?:][ \t]+){20}/m.test(text)) return true
  let open = 0
  for (const sign of text.match(/[[\]{}]/g) ?? []) {
    open = sign === '[' || sign === '{' ? open + 1 : Math.max(0, open - 1)
    if (open > maxOpen) return true
  }
  return /^ {200}/m.test(text)
}

/** Unclosed brackets in words are not nesting. */
const maxOpen = 100

const whole = (message: string): YamlRead => ({
  kind: 'problems',
  problems: [{ line: undefined, key: '', message }],
})

const keyAtStart = /^(["']?)(.+?)\1\s*:(?:\s|$)/

function parse(text: string): YamlRead {
  const lines = new yaml.LineCounter()
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number | undefined) =>
    offset === undefined ? undefined : lines.linePos(offset).line
  if (document.errors.length > 0)
    return {
      kind: 'problems',
      problems: document.errors.slice(0, maxProblems).map(({ code, pos: [at], message }) => {
        const named = code === 'DUPLICATE_KEY' && keyAtStart.exec(text.slice(at))
        const problem = named
          ? { key: named[2] ?? '', message: 'stands here twice' }
          : { key: '', message }
        return { line: lineAt(at), ...problem }
      }),
    }
  if (nestsDeeper(document.contents, maxDepth))
    return whole(`is nested deeper than ${maxDepth} levels`)
  try {
    const value: unknown = document.toJS({ maxAliasCount: 20 })
    return { kind: 'read', value, lineOf: path => lineAt(offsetOf(document.contents, path)) }
  } catch (error) {
    // Alias bombs throw others; a lack of stack must reach `withinTime`.
    if (error instanceof RangeError || !(error instanceof Error)) throw error
    return whole(error.message)
  }
}

function nestsDeeper(node: unknown, most: number): boolean {
  if (most < 0) return true
  if (yaml.isPair(node)) return nestsDeeper(node.key, most) || nestsDeeper(node.value, most)
  return yaml.isCollection(node) && node.items.some(item => nestsDeeper(item, most - 1))
}

function offsetOf(node: unknown, path: readonly string[]): number | undefined {
  const [key, ...rest] = path
  if (key !== undefined && yaml.isMap(node)) {
    const pair = pairsOf(node).get(key)
    if (pair)
      return (rest.length > 0 ? offsetOf(pair.value, rest) : undefined) ?? startOffset(pair.key)
  }
  return startOffset(node)
}

/** A map, since a file may have thousands of problems. */
function pairsOf(map: yaml.YAMLMap): ReadonlyMap<string, yaml.Pair> {
  return madeIn(pairs, map, () => new Map(map.items.map(pair => [String(pair.key), pair])))
}

const pairs = new WeakMap<yaml.YAMLMap, ReadonlyMap<string, yaml.Pair>>()

const startOffset = (node: unknown) =>
  yaml.isNode(node) ? (node.range?.[0] ?? undefined) : undefined

/** Warms the parser up. */
parse('a: {b: [c, "d"]}\ne:\n  - |\n    f\n')
