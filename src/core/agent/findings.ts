/** The findings of a review: a block of the agent's answer, and where GitHub's diff has room for them. Pure. */
import { z } from 'zod'
import type { ChangedFile } from '../model/views.ts'
import { jsonBlockIn } from '../text/json.ts'

export const maxFindings = 30
/** Characters. */
export const maxFinding = 4_000

const Finding = z.object({
  path: z.string().min(1).max(500),
  /** Of the file as the pull request leaves it. */
  line: z.number().int().positive().nullish(),
  body: z.string().trim().min(1),
})
export type Finding = z.infer<typeof Finding>

/** What the fence of the block is called. */
export const findingsFence = 'findings'

export interface ReviewWords {
  /** Without the block. What can't be read stays in it. */
  text: string
  findings: Finding[]
}

export function reviewWordsIn(answer: string): ReviewWords {
  const found = jsonBlockIn(answer, findingsFence, z.array(Finding).max(200))
  return found
    ? { text: found.text, findings: found.value.slice(0, maxFindings) }
    : { text: answer, findings: [] }
}

export interface Placed {
  path: string
  line: number
  body: string
}

/** GitHub takes a comment only on lines that the diff shows. */
export function placedIn(
  findings: readonly Finding[],
  files: readonly ChangedFile[],
): { placed: Placed[]; rest: Finding[] } {
  const shown = new Map(files.map(({ path, patch }) => [path, linesOf(patch ?? '')]))
  const placed: Placed[] = []
  const rest: Finding[] = []
  for (const finding of findings) {
    const { path, line, body } = finding
    if (line && shown.get(path)?.has(line)) placed.push({ path, line, body })
    else rest.push(finding)
  }
  return { placed, rest }
}

/** Lines of the new file that a patch shows, changed or not. */
export function linesOf(patch: string): Set<number> {
  const lines = new Set<number>()
  let next = 0
  for (const line of patch.split('\n')) {
    const [, start] = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line) ?? []
    if (start !== undefined) next = Number(start)
    else if (line.startsWith('+') || line.startsWith(' ')) lines.add(next++)
  }
  return lines
}
