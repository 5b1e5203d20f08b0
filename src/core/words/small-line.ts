/**
 * The small line below a status and a last word: whose it was, how long it took, what it cost, how to go on.
 * The one below a pull request's description says who asked for it, and where.
 */

import type { Thread } from '../model/thread.ts'
import { minute } from '../model/time.ts'
import type { CommentRef } from '../model/trigger.ts'
import type { Pull } from '../model/views.ts'
import {
  addressees,
  isUndone,
  leftNothingNew,
  neverBegan,
  newsKey,
  staysInStatus,
} from '../record/last-word.ts'
import { roundIsRead, wordsAdded, wordsOfRound } from '../record/ledger.ts'
import { asksBack } from '../record/open-question.ts'
import { newPulls } from '../record/pull-end.ts'
import { baseOf, type Run } from '../record/run.ts'
import { exactly, withoutEmpty } from '../text/phrases.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { roundsInWords } from './what-it-needs.ts'
import { briefly, requesterLine, session, startedBy } from './while-working.ts'
import { commentUrl, type Deployment, small } from './words.ts'

export const pullLine = ({ head, base }: Pull): string => `${code(head)} → ${code(base)}`

/** What may change later is left out, but for news of the pull request, which the last word tells. */
export function resultSmall(
  run: Run,
  deployment: Deployment,
  where: 'status' | 'last-word',
): string[] {
  const requester = run.request.by.login
  const kind = run.result.outcome?.kind
  const { cost, taskMade } = run.session
  const usual = !asksBack(run) && '`/codex …` continues'
  const goOn = {
    work: usual,
    review: usual,
    plan: '`/codex plan …` changes the plan',
    ask: '`/codex ask …` asks more',
  }[run.request.what]
  const isLast = where === 'last-word' || staysInStatus(run)
  const [pull] = run.result.pulls.length === 1 && where === 'status' ? run.result.pulls : []
  return withoutEmpty([
    leftNothingNew(run) && 'no new commit or pull request found',
    where === 'status' ? briefly(run) : !isOnlyRequest(run) && requestLink(run),
    !(where === 'last-word' && addressees(run).includes(requester)) && requesterLine(run),
    startedBy(run),
    duration(run),
    // PostHog's cost is that of a task, which several runs may share.
    isLast && cost
      ? `$${cost.toFixed(2)}${taskMade && run.result.round === 0 ? '' : ' in all'}`
      : undefined,
    where === 'last-word' && into(run),
    ...session(run, deployment),
    where === 'last-word' && newsKey(run) !== undefined && roundsInWords(run),
    pull && pullLine(pull),
    // A pull request says so itself.
    isLast && (kind === 'answer' || kind === 'nothing') && goOn,
  ])
}

/** It is the only request of its thread so far, and nobody added words, so nobody has to be told which one it is. */
const isOnlyRequest = ({ request, result, session, mailbox }: Run): boolean =>
  result.round === 0 &&
  session.earlier === undefined &&
  request.before === undefined &&
  wordsAdded({ mailbox }).length === 0

/** Which of the thread's requests this is about: in a later round, what began that. */
function requestLink(run: Run): string {
  const { origin } = run.request
  const asked = origin.kind === 'comment' ? origin.commentRef : undefined
  const added = run.result.round === 0 ? undefined : wordsOfRound(run)[0]
  const ref = added ? added.source?.target : asked
  const words = added ? inlineWords(added.typed ?? added.text, 40) : briefly(run, 40)
  return ref ? `[${words}](${urlOf(run.thread, ref)})` : words
}

function urlOf(thread: Thread, asked: CommentRef): string {
  if (asked.kind === 'subject') return thread.url
  if (asked.kind === 'review') return commentUrl(thread, 'review', asked.reviewId)
  return commentUrl(thread, asked.kind === 'inline' ? 'inline' : 'comment', asked.commentId)
}

/** Names the base that somebody asked for. Another one stands beside the pull request. */
function into(run: Run): string | undefined {
  const base = baseOf(run)
  const isThere = run.result.outcome?.kind === 'pull' && newPulls(run).at(-1)?.base === base
  return base !== undefined && isThere ? `into ${code(base)}` : undefined
}

/** What it waited for before the agent began, or for an answer, is no work. */
function duration(run: Run): string | undefined {
  const {
    result: { concludedAt, round },
    schedule: { admissionExpectedAt = run.request.at, enteredAt = admissionExpectedAt },
    mailbox: { lastWordsAt = enteredAt },
    session: { began, sessionLog },
  } = run
  if (concludedAt === undefined) return undefined
  const [asked, admitted] =
    round === 0 ? [enteredAt, admissionExpectedAt] : [lastWordsAt, lastWordsAt]
  const isUnread = isUndone(run.result.outcome) && !sessionLog?.absent && !roundIsRead(run)
  const hasWorked = !neverBegan(run) && !isUnread
  const until = began?.round === round ? began.at : admitted
  const from = hasWorked ? until + (sessionLog?.waited ?? 0) : concludedAt
  const waited = from - asked >= minute && `waited ${exactly(from - asked)}`
  const worked = hasWorked && `${waited ? 'worked ' : ''}${exactly(concludedAt - from)}`
  return withoutEmpty([waited, worked]).join(', ')
}

/** The line is known by this mark, whatever people make of its words. */
export const footerMark = '<!-- codex-asked -->'

/** The login is code and no mention, so the line mails nobody. */
export function pullFooter({ request, thread }: Run): string {
  const who = `Asked for by ${code(request.by.login)} in #${thread.number}`
  return `${small([who, '`/codex …` works here'])} ${footerMark}`
}
