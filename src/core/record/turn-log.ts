/**
 * What the entries of the log change in what is known of a turn. A turn is a prompt and the answer with its id. Only a
 * prompt opens it again; what is logged after the answer belongs to it. Its last words are the answer that people read.
 */
import type { Fault, LogEntry } from '../model/task-run.ts'
import { paragraphs } from '../text/phrases.ts'
import type { Run } from './run.ts'
import { addAct, noActivity, type SessionLog, type TurnEnd } from './session-part.ts'

export type EntryOf<Kind extends LogEntry['what']['kind']> = Extract<
  LogEntry['what'],
  { kind: Kind }
>

export function withPrompt(log: SessionLog, id: string): SessionLog {
  const { prompts, broken } = log
  const goesOn = prompts.length > 0 || broken !== undefined
  return {
    ...(goesOn ? log : newTurn(log)),
    prompts: [...prompts, id],
    ended: undefined,
    broken: undefined,
    ofOthers: false,
  }
}

/** What others were told is none of ours. An answer before this turn is kept, unless it was told. */
function newTurn(log: SessionLog): SessionLog {
  const isKept = log.ended?.stopReason === 'end_turn' && !log.isReported
  return {
    ...answerKept(log, isKept ? log.answer : undefined),
    isReported: undefined,
    finishes: undefined,
    gaveUp: undefined,
  }
}

/** Prompts are answered in their order, but for a steer, whose turn goes on. */
export function turnAnswered(
  log: SessionLog,
  { id, stopReason, steer }: EntryOf<'answer'>,
  at: number,
): SessionLog {
  const { prompts } = log
  const place = openAt(log, id)
  if (place === -1 || (steer && !prompts.includes(id))) return log
  const open = steer ? prompts.toSpliced(place, 1) : prompts.slice(place + 1)
  if (open.length > 0) return { ...log, prompts: open }
  return steer
    ? { ...log, prompts: [unseenPrompt] }
    : endedBy({ ...log, prompts: [] }, { at, stopReason })
}

export const endedBy = (log: SessionLog, { at, stopReason, fault }: TurnEnd): SessionLog => ({
  ...log,
  turns: log.turns + (stopReason === 'end_turn' ? 1 : 0),
  ended: { at, stopReason, fault },
  broken: undefined,
  ...noRequests,
})

export const noRequests = { permissionRequest: undefined, laterRequests: undefined }

/** It is answered. What the agent asked meanwhile is open then. */
export function withoutRequest(log: SessionLog, id: string, at: number): SessionLog {
  const { permissionRequest: asked, laterRequests = [], waited = 0 } = log
  const left = laterRequests.filter(later => later.id !== id)
  if (asked?.id !== id) return { ...log, laterRequests: left }
  const [next, ...others] = left
  return {
    ...log,
    permissionRequest: next && { ...next, at },
    laterRequests: others,
    waited: waited + at - (asked.at ?? at),
  }
}

/** A record has a size: what an agent asks beyond these waits for an answer at PostHog. */
const maxLater = 20

/** The log tells of a permission, and that Codex goes on, in anybody's turn. */
export function withOtherEntry(run: Run, log: SessionLog, { what, at }: LogEntry): SessionLog {
  switch (what.kind) {
    case 'asks':
      return log.permissionRequest
        ? { ...log, laterRequests: [...(log.laterRequests ?? []), what.request].slice(0, maxLater) }
        : { ...log, permissionRequest: { ...what.request, at } }
    case 'permitted':
      return withoutRequest(log, what.id, at)
    case 'goes-on':
      return { ...log, goesOn: true }
    default:
      return log.ofOthers ? log : withOwnEntry(run, log, what)
  }
}

function withOwnEntry({ result }: Run, log: SessionLog, what: LogEntry['what']): SessionLog {
  const { last, broken } = log
  switch (what.kind) {
    case 'message':
      return log.ended && result.outcome ? log : withWordsSaid(behindAnswer(log), what.text)
    case 'acts':
    case 'plan':
      return {
        ...log,
        last: last && !log.ended ? { ...last, leads: true } : last,
        activity: addAct(log.activity ?? noActivity, what),
      }
    case 'finishes':
      return {
        // It answers before it looks for the tool that ends its run.
        ...(announces(last) ? log : answerKept(log, log.answer)),
        finishes: true,
        gaveUp: what.gaveUp,
      }
    case 'gives-up':
      return broken ? endedBy(log, { ...broken, fault: better(what.fault, broken.fault) }) : log
    default:
      return log
  }
}

// What people read as the answer.

/** @param kept words that stay, whatever is said next */
const answerKept = (log: SessionLog, kept: string | undefined): SessionLog => ({
  ...log,
  answer: kept,
  kept,
  longest: undefined,
  last: undefined,
  goesOn: undefined,
})

/** Until its answer is known to people, what comes behind it is added. Codex begins turns of its own, which count alike. */
const behindAnswer = (log: SessionLog): SessionLog =>
  log.ended && !log.goesOn
    ? { ...answerKept(log, log.isReported ? undefined : log.answer), isReported: undefined }
    : log

/** Characters of a line on a page. */
const lineLength = 100

/** Above last words that are short stands the longest that was said before. */
function withWordsSaid(log: SessionLog, text: string): SessionLog {
  const { kept, last } = log
  const before = last && !announces(last) ? longerText(last.text, log.longest) : (log.longest ?? '')
  const above = text.length < Math.min(lineLength, before.length) ? before : undefined
  return { ...log, answer: paragraphs([kept, above, text]), longest: before, last: { text } }
}

const longerText = (text: string, other = '') => (text.length > other.length ? text : other)

/** What is said right before a tool may only say what comes. How long it is tells nothing: an answer may be short. */
export const announces = (last: SessionLog['last']): boolean =>
  last?.leads === true && promises.test(last.text)

const workVerbs = '(?:check|fix|look|make|read|run|search|start|test|try|work)'

const promises = new RegExp(
  `^(?:(?:now|next|first|then|ok|okay)\\b,? )?(?:${[
    "(?:i|we)(?:['’]ll| will| (?:need|want) to|(?:['’]m|['’]re| am| are) (?:now )?\\w+ing)\\b.*",
    "let(?: me|['’]s)\\b.*",
    `i (?:now )?${workVerbs}\\b[^:;,\\n]*`,
    `${workVerbs}n?ing\\b(?:[^:;,\\n]* now)?\\W*`,
    'i (?:think|have a question)\\W*',
  ].join('|')})$`,
  'i',
)

const maxAfterwards = 1_000

/** The turns in which PostHog sends its agent to the pull request. Of another prompt, nothing is said here. */
export function withCiTurn(log: SessionLog, { at, what }: LogEntry): SessionLog {
  const { ciTurns = 0, inCiTurn } = log
  switch (what.kind) {
    case 'begins':
      return { ...log, inCiTurn: undefined }
    case 'prompt':
      return what.byPostHog
        ? { ...log, inCiTurn: true, ciTurns: ciTurns + 1 }
        : { ...log, inCiTurn: undefined }
    case 'message':
      return inCiTurn
        ? { ...log, afterwards: { at, text: what.text.slice(0, maxAfterwards) } }
        : log
    default:
      return log
  }
}

// What breaks, and prompts that nobody saw.

/** @param broken what is known of the fault then: the agent's server may try once more */
export function withError(log: SessionLog, id: string, broken: TurnEnd | undefined): SessionLog {
  const place = openAt(log, id)
  return place === -1 ? log : { ...log, prompts: log.prompts.toSpliced(place, 1), broken }
}

/** The server gives the class. Of a status of the provider, only the error of the prompt says more than its number. */
function better(last: Fault | undefined, first: Fault | undefined): Fault {
  const isBare = last === undefined || last.text === '' || /^unexpected status \d+$/.test(last.text)
  return { class: last?.class ?? first?.class, text: (isBare ? first?.text : last.text) ?? '' }
}

/** A prompt that is open before our log begins: ours steers its turn. Or one that is lost, and its words are not. */
export const unseenPrompt = ''

const openAt = ({ prompts }: SessionLog, id: string) =>
  prompts.indexOf(prompts.includes(id) ? id : unseenPrompt)

export const isOpenPrompt = (log: SessionLog, id: string): boolean => openAt(log, id) !== -1
