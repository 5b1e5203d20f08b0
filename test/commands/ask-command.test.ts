/** What `/codex ask` decides, from facts, without a service. */
import { describe } from 'vitest'
import { askCommand } from '../../src/commands/ask-command.ts'
import { reject } from '../../src/commands/command.ts'
import { asking, comment, decides, doing, free, label, settled, wordless } from './asked.ts'

describe('what asks for work', () => {
  const onLine = { kind: 'inline', commentId: 3, rootId: 3, reviewId: null, nodeId: 'n' } as const
  const line = { id: 3, path: 'a.ts', line: 1, hunk: '', body: '/codex ask', author: 'maya' }
  const asksNothing = reject('noQuestion')
  const inReview = { ...comment, commentRef: { kind: 'review', reviewId: 4, nodeId: 'n' } } as const
  const onLineOf = { ...comment, commentRef: { ...onLine, inline: line } }
  const startsAnswer = doing({ what: 'ask', options: { permission: 'read-only' } })
  const bareOnLine = asking(onLineOf, { text: '' })
  const bareInReview = asking(inReview, { text: '' })
  const reply = { ...line, parent: { author: 'zoe', body: 'Why?' } }
  decides(askCommand, [
    ['in a thread of its own', free(), startsAnswer],
    ['where agents wait for permissions', settled('mode: interactive'), reject('planInteractive')],
    ['without a question', free(), asksNothing, wordless],
    ['by a label', free(), startsAnswer, asking(label, { text: '' })],
    ['without a question on a line', { ...free(), inline: [line] }, asksNothing, bareOnLine],
    ['about what it replies to', { ...free(), inline: [reply] }, startsAnswer, bareOnLine],
    ['about the lines of a review', { ...free(), inline: [line] }, startsAnswer, bareInReview],
    ['of a review without lines', { ...free(), inline: [] }, asksNothing, bareInReview],
  ])
})
