import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { mayHoldCommand } from '../core/command/find.ts'
import { mayBeMisplaced } from '../core/command/misplaced.ts'
import { ignored, type Passed } from './webhooks/event.ts'
import type * as payloads from './webhooks/payloads.ts'

/** ms since the epoch; now, if it can't be parsed */
export const timeOf = (text: string | null | undefined): number => Date.parse(text ?? '') || Date.now()

/** ms after which edits add no commands. */
const editWindow = 15 * 60_000

interface Words {
  kind: 'words'
  at: number
  /** Identifies an edit, since GitHub's times have whole seconds. */
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

/** As GitHub says beside each text, without a call. It grants nothing. Apps have no association. */
const insiders: ReadonlySet<string | undefined> = new Set(['OWNER', 'MEMBER', 'COLLABORATOR'])
export const isInsider = (association: string | undefined): boolean => insiders.has(association)

interface Writing extends payloads.BasePayload {
  changes?: { body?: { from?: string | null | undefined } | undefined } | null | undefined
}

export function commentWords(payload: Writing, comment: Written, word: string): Words | Passed {
  const { action } = payload
  if (action !== 'created' && action !== 'edited') return ignored('event not used')
  const text = comment.body
  const isHinted = action === 'created' && isInsider(comment.author_association) && mayBeMisplaced(text, word)
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
  // Edits by others are no request of the author.
  if (comment.user?.id !== payload.sender.id) return ignored('edited by somebody else')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  if (at - created > editWindow) return ignored('edited too late')
  return { kind: 'words', at, edit: `${at}-${hashOf(before, comment.body)}`, text: { text, before } }
}

export function reviewWords(payload: z.infer<typeof payloads.ReviewEvent>, word: string): Words | Passed {
  const { action, review, pull_request: pull } = payload
  const created_at = review.submitted_at ?? pull.updated_at ?? ''
  if (action === 'submitted')
    return {
      kind: 'words',
      at: timeOf(created_at),
      edit: undefined,
      // Its comments on lines are not known yet.
      text: { text: review.body, ...(insiders.has(review.author_association) ? { misplaced: true } : {}) },
    }
  const updated_at = review.updated_at ?? pull.updated_at
  return commentWords(payload, { ...review, created_at, updated_at }, word)
}

export const hashOf = (...texts: string[]): string =>
  createHash('sha256').update(texts.join('\0')).digest('base64url').slice(0, 10)
