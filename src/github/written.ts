import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { mayHoldCommand } from '../core/command/find.ts'
import { mayBeMisplaced } from '../core/command/misplaced.ts'
import { ignored, type Passed } from './webhooks/event.ts'
import type * as payloads from './webhooks/payloads.ts'

/** ms since the epoch; a time that can't be read is now. */
export const timeOf = (text: string | null | undefined): number => Date.parse(text ?? '') || Date.now()

/** Typed words are read for this long after the comment was written; later edits are housekeeping. */
const editWindow = 15 * 60_000

interface Words {
  kind: 'words'
  at: number
  /** Tells one edit from another: GitHub's times have whole seconds. */
  edit: string | undefined
  text: { text: string; before?: string; misplaced?: true }
}

interface Written {
  body: string
  user?: { id: number } | null | undefined
  created_at: string
  updated_at?: string | undefined
  author_association?: string | undefined
}

/**
 * It gives nobody a right, but says without a call whom a hint may be for: strangers are not worth one. Apps have no
 * association.
 */
const insiders: ReadonlySet<string | undefined> = new Set(['OWNER', 'MEMBER', 'COLLABORATOR'])

interface Writing extends payloads.BasePayload {
  changes?: { body?: { from?: string | null | undefined } | undefined } | null | undefined
}

export function commentWords(payload: Writing, comment: Written, word: string): Words | Passed {
  const { action } = payload
  if (action !== 'created' && action !== 'edited') return ignored('event not used')
  const text = comment.body
  const isHinted =
    action === 'created' && insiders.has(comment.author_association) && mayBeMisplaced(text, word)
  if (!isHinted && !mayHoldCommand(text, word)) return ignored('no command')
  const created = timeOf(comment.created_at)
  if (action === 'created')
    return {
      kind: 'words',
      at: created,
      edit: undefined,
      text: { text, ...(isHinted ? { misplaced: true } : {}) },
    }
  const before = payload.changes?.body?.from
  if (typeof before !== 'string') return ignored('no new command')
  // Somebody else's tick or typo fix does not ask for what stands there, and its author did not do it.
  if (comment.user?.id !== payload.sender.id) return ignored('edited by somebody else')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  if (at - created > editWindow) return ignored('edited too late')
  return { kind: 'words', at, edit: `${at}-${hashOf(before, comment.body)}`, text: { text, before } }
}

export function reviewWords(payload: z.infer<typeof payloads.ReviewEvent>, word: string): Words | Passed {
  const { action, review, pull_request: pull } = payload
  const created_at = review.submitted_at ?? pull.updated_at ?? ''
  if (action === 'submitted')
    return { kind: 'words', at: timeOf(created_at), edit: undefined, text: { text: review.body } }
  const updated_at = review.updated_at ?? pull.updated_at
  return commentWords(payload, { ...review, created_at, updated_at }, word)
}

export const hashOf = (...texts: string[]): string =>
  createHash('sha256').update(texts.join('\0')).digest('base64url').slice(0, 10)
