/** The findings of a review: a block of the agent's answer, and where GitHub's diff has room for them. Pure. */
import { z } from 'zod'
import type { LineComment } from '../model/ports.ts'
import type { ChangedFile } from '../model/views.ts'
import { countingNumber, jsonBlockIn } from '../text/json.ts'
import { suggestion } from '../text/safe-markdown.ts'

export const maxFindings = 30
/** Characters. */
export const maxFinding = 4_000

/** Characters, and lines that it takes the place of. */
const maxReplacement = 4_000
const maxReplaced = 100

const Finding = z.object({
  path: z.string().min(1).max(500),
  /** The line in the file as the pull request leaves it. */
  line: countingNumber.nullish().catch(undefined),
  /** The first, where several are to be replaced. */
  start_line: countingNumber.nullish().catch(undefined),
  /** What is to stand in the place of these lines. */
  replacement: z.string().max(maxReplacement).nullish().catch(undefined),
  body: z.string().trim().min(1),
})
export type Finding = z.infer<typeof Finding>

/** What the fence of the block is called. */
export const findingsFence = 'findings'

/** `text` is what stands around the block. What can't be read stays in it. */
export function reviewWordsIn(answer: string): { text: string; findings: Finding[] } {
  const found = jsonBlockIn(answer, findingsFence, Finding)
  return { text: found?.text ?? answer, findings: found?.value.slice(0, maxFindings) ?? [] }
}

/** GitHub takes a comment only on lines that the diff shows. */
export function placedIn(findings: readonly Finding[], files: readonly ChangedFile[]) {
  const shown = new Map(files.map(({ path, patch }) => [path, patchLines(patch ?? '')]))
  const placed: LineComment[] = []
  const rest: Finding[] = []
  for (const finding of findings) {
    const { path, line, body } = finding
    const lines = shown.get(path)
    if (line && lines?.has(line))
      placed.push({ path, line, body, ...suggestionFor(finding, line, lines) })
    else rest.push(finding)
  }
  return { placed, rest }
}

/** Nothing, unless the diff shows all of the lines, and they would be others. */
function suggestionFor(
  { start_line, replacement }: Finding,
  line: number,
  lines: ReadonlyMap<number, string>,
) {
  const start = start_line ?? line
  if (typeof replacement !== 'string' || start > line || line - start >= maxReplaced) return {}
  const code = /^$|\n$/.test(replacement) ? replacement : `${replacement}\n`
  const before = Array.from({ length: line - start + 1 }, (_, at) => lines.get(start + at))
  // Whether GitHub keeps other ends of lines is not written anywhere.
  if (before.some(each => each === undefined || each.endsWith('\r'))) return {}
  const block = before.map(each => `${each}\n`).join('') === code ? undefined : suggestion(code)
  return block === undefined
    ? {}
    : { startLine: start < line ? start : undefined, suggestion: block }
}

/** Lines of the new file that a patch shows, changed or not, by their numbers. */
export function patchLines(patch: string): Map<number, string> {
  const lines = new Map<number, string>()
  let next = 0
  for (const line of patch.split('\n')) {
    const [, start] = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line) ?? []
    if (start !== undefined) next = Number(start)
    else if (line.startsWith('+') || line.startsWith(' ')) lines.set(next++, line.slice(1))
  }
  return lines
}
