/**
 * What a status says while an agent works, and the comment that asks people: it mentions them, since edits notify
 * nobody.
 */
import { infoOf, type Options, optionNames } from '../command/options.ts'
import { type Service, serviceNames } from '../model/errors.ts'
import type { Doing, PermissionRequest, PlanStep, Unfinished } from '../model/task-run.ts'
import { nounOf } from '../model/thread.ts'
import { day, hour } from '../model/time.ts'
import { isModel } from '../model/views.ts'
import { unfinished } from '../record/failures.ts'
import { type AddedWord, pending, wordsAdded, wordsOfRound } from '../record/ledger.ts'
import { inlinePlace } from '../record/open-question.ts'
import { openQuestion, questionKey, rejecting } from '../record/permission-request.ts'
import { retryOf, services } from '../record/retries.ts'
import { baseOf, type Retry, type Run, resumedSession } from '../record/run.ts'
import type { Live } from '../record/situation.ts'
import { limits } from '../record/timing.ts'
import { begun, counted, moment, paragraphs, withoutEmpty } from '../text/phrases.ts'
import { code, inlineWords, quoted } from '../text/safe-markdown.ts'
import { waitsInWords } from './waiting.ts'
import {
  branchUrl,
  choiceBox,
  commentUrl,
  type Deployment,
  mentions,
  pullLink,
  runUrl,
  shownPullState,
  small,
  some,
  withCode,
} from './words.ts'

/** The whole of it stands where it was asked. */
const maxInstruction = 200

/** A Run that lives, as its status shows it. */
export interface AtWork {
  run: Run
  stands: Live
  now: number
}

export function workHeading({ run, stands, now }: AtWork): string {
  const [out] = shownOutages(run, now)
  if (out && stands.kind !== 'stopping') return `⏸️ Codex waits for ${serviceNames[out.service]}`
  if (stands.held?.kind === 'question') return '❓ Codex waits for your answer'
  switch (stands.kind) {
    case 'waiting':
      return waitsInWords(stands.waits, now).heading
    case 'preparing':
      return `⏳ Codex is getting ready${{ work: '', plan: ' to plan', review: ' to review', ask: ' to answer' }[run.request.what]}`
    case 'starting':
      return '⏳ PostHog is preparing a sandbox'
    case 'stopping':
      return '⏳ Codex is stopping'
    case 'ending':
      return '⏳ Codex has ended'
    case 'working':
      return `⏳ Codex is ${{ work: 'working', plan: 'planning', review: 'reviewing', ask: 'answering' }[run.request.what]}`
  }
}

export const waitingKey = ({ run, stands, now }: AtWork): string =>
  [
    ...shownOutages(run, now).map(({ outage }) => outage.why),
    stands.held?.kind === 'question' ? stands.held.question.id : '',
    questionUrl(run) ?? '',
    stands.kind === 'stopping' && retryOf(run, 'posthog') ? 'away' : '',
    stands.kind === 'waiting' ? waitsInWords(stands.waits, now).key : '',
  ].join('|')

export function workLines(view: AtWork): string[] {
  const { run, stands, now } = view
  const question = questionShown(view)
  if (question) return [whatToAnswer(run, question), openPullsLine(view).join('\n')]
  const { resumed } = run.result
  return [
    instructionLine(run),
    editedLine(run),
    fromHereOn(run),
    stands.kind === 'stopping' && retryOf(run, 'posthog')
      ? 'Stops as soon as PostHog answers.'
      : '',
    ...outages(run, now),
    resumed ? resumedSentence(resumed.why) : '',
    ...(stands.kind === 'waiting' ? waitsInWords(stands.waits, now).lines : []),
    activity(view),
    plan(run).join('\n'),
    openPullsLine(view).join('\n'),
    run.session.summary ? quoted(run.session.summary, 600) : '',
  ]
}

const resumedSentence = (why: Unfinished): string =>
  why === 'unread'
    ? 'The session ended before Codex read this. Codex is asked again.'
    : `Codex had not finished when ${unfinished[why].because}. It goes on in the same session.`

/** Words that the agent did not have yet are no edit: they simply are the newer ones. */
function editedLine(run: Run): string {
  const words = [...wordsOfRound(run), ...pending(run)].findLast(
    ({ replaces }) => replaces !== undefined,
  )
  if (!words) return ''
  const { by, text, typed = text } = words
  const which = typed === typedIn(run) ? 'this' : `a comment: ${inlineWords(typed, maxInstruction)}`
  return `✏️ ${inlineWords(by.login, 60)} edited ${which}`
}

/** The request in its writer's words, as its newest edit has it. */
function typedIn(run: Run): string {
  const { text, typed } = [...wordsAdded(run), ...pending(run)].reduce<
    Pick<AddedWord, 'id' | 'text' | 'typed'>
  >((newest, word) => (word.replaces === newest.id ? word : newest), { ...run.request, id: run.id })
  return typed ?? (run.request.what === 'review' ? `review ${text}` : text)
}

/** A session that goes on with another model, or another effort, than before. */
function fromHereOn(run: Run): string {
  const before = resumedSession(run)?.may
  const { model, effort } = run.request.options
  if (!before || (isModel(model)({ name: before.model }) && before.effort === effort)) return ''
  const usual = before.effort === undefined ? '' : ', at its usual effort'
  return `From here on with ${code(model)}${effort === undefined ? usual : `, effort ${code(effort)}`}.`
}

const questionShown = ({ run, stands: { held }, now }: AtWork): PermissionRequest | undefined =>
  held?.kind === 'question' && shownOutages(run, now).length === 0 ? held.question : undefined

function instructionLine(run: Run): string {
  const { origin } = run.request
  const words = typedIn(run)
  if (words !== '') return quoted(words, maxInstruction)
  return `> What the ${nounOf(run.thread)} says${origin.kind === 'label' ? ` (label ${code(origin.label)})` : ''}`
}

/** @param max characters */
export const briefly = (run: Run, max = 80): string =>
  inlineWords(typedIn(run), max) || `what the ${nounOf(run.thread)} says`

const doingNow: Record<Doing, string> = {
  reading: 'Reading the code',
  editing: 'Editing files',
  running: 'Running commands',
  checking: 'Running checks',
  thinking: 'Thinking',
}

/** Our own words say what it does: the agent's commands may hold secrets. */
function activity({ run, stands: { kind } }: AtWork): string {
  if (kind === 'waiting' || kind === 'preparing' || kind === 'stopping') return ''
  if (kind === 'ending')
    return 'The bot waits up to 75 seconds for its last words. Then it tells the result.'
  const { doing } = run.session.sessionLog?.activity ?? {}
  const { length: waiting } = pending(run).filter(({ resumes }) => !resumes)
  return withoutEmpty([
    doing && `**${doingNow[doing]}**`,
    ...doneSoFar(run),
    waiting > 0 && `${counted(waiting, 'instruction')} waiting`,
  ]).join(' · ')
}

export function doneSoFar(run: Run): string[] {
  const added = wordsAdded(run)
  const { files = [], commands = 0 } = run.session.sessionLog?.activity ?? {}
  const names = [...new Set(added.map(({ by }) => inlineWords(by.login, 60)))]
  return withoutEmpty([
    files.length > 0 && `${counted(files.length, 'file')} changed`,
    commands > 0 && `${counted(commands, 'command')} run`,
    added.length > 0 && `${counted(added.length, 'instruction')} added (by ${some(names, 3)})`,
  ])
}

const planIcon: Record<PlanStep['state'], string> = { done: '✅', current: '▶️', open: '⬜' }

function plan({ session: { sessionLog }, mailbox: { stop } }: Run): string[] {
  const steps = stop ? [] : (sessionLog?.activity?.plan ?? [])
  const shown = steps
    .slice(0, 10)
    .map(({ state, text }) => `${planIcon[state]} ${inlineWords(text, 120)}`)
  return steps.length > shown.length ? [...shown, `⬜ ${steps.length - shown.length} more`] : shown
}

const openPullsLine = ({ run, stands: { kind } }: AtWork): string[] => {
  const { pulls, reported, pushed } = run.result
  return pulls.flatMap((pull, index) => {
    const isNew = index >= reported
    if (pull.state !== 'open' && !isNew) return []
    const isWorkedOn = kind === 'working' && (isNew || pushed !== undefined)
    return [
      `${pullLink(pull)} · ${shownPullState(pull)}${isWorkedOn ? '. Codex still works on it.' : ''}`,
    ]
  })
}

function whatToAnswer(run: Run, question: PermissionRequest): string {
  const url = questionUrl(run)
  return url === undefined
    ? questionText(question)
    : `**What to do:** answer [the question](${url}).`
}

const shownOutages = (run: Run, now: number): { service: Service; outage: Retry }[] =>
  services.flatMap(service => {
    const outage = retryOf(run, service)
    const tells =
      outage && (outage.setup || Math.max(outage.until, now) - outage.since >= limits.worthTelling)
    return tells ? [{ service, outage }] : []
  })

const outages = (run: Run, now: number): string[] =>
  shownOutages(run, now).map(
    ({ service, outage: { why, since, until, limit, setup, refusedSince } }) => {
      if (setup)
        return `${begun(withCode(why, 200))}. Whoever runs this bot has to fix it. Codex then continues on its own.`
      const reason = inlineWords(why, 200)
      if (limit) return `${begun(reason)}. Codex goes on at ${moment(Math.max(until, now), now)}.`
      const fault = refusedSince === undefined ? 'been unavailable' : 'refused this bot'
      return `${serviceNames[service]} has ${fault} since ${moment(since, now)} (${reason}). Retrying.`
    },
  )

export function workSmall(view: AtWork, deployment: Deployment): string[] {
  const { run, stands, now } = view
  const question = questionShown(view)
  const { branch } = run.workspace
  const { at } = run.request
  const days = Math.floor((now - at) / day)
  const ago = days > 0 ? ` (${counted(days, 'day')} ago)` : ''
  // Where its pull request goes, if that was said.
  const isSaid = branch && baseOf(run) !== undefined && branch.into !== branch.name
  const towards = isSaid ? ` → ${code(branch.into)}` : ''
  return withoutEmpty([
    question && briefly(run),
    `${requesterLine(run)}, ${moment(at, now)}${ago}`,
    startedBy(run),
    branch && `[${code(branch.name)}](${branchUrl(run.thread, branch.name)})${towards}`,
    ...session(run, deployment),
    stands.kind === 'working' && !question && 'reply `/codex …` to add instructions',
  ])
}

/** Whoever ticks a box writes no comment that would show it. */
export const requesterLine = ({ request: { origin, by } }: Run): string =>
  `${origin.kind === 'tick' && !origin.admin ? 'box ticked by ' : ''}${inlineWords(by.login, 60)}`

export const startedBy = ({ request: { origin } }: Run): string | false | undefined =>
  origin.kind === 'tick' && origin.admin && `started again by ${inlineWords(origin.admin, 60)}`

export function session(run: Run, deployment: Deployment): string[] {
  if (!run.session.taskRun) return []
  const options: Options = run.request.options
  const shownOptions = optionNames.flatMap(name => {
    const { shown } = infoOf(name)
    const value = options[name]
    if (shown === undefined || value === undefined) return []
    return [value === true ? shown : `${shown}${inlineWords(value, 60)}`]
  })
  return [shownOptions.join(', '), `[PostHog run (sign-in)](${runUrl(run, deployment)})`]
}

const listener = (run: Run): string => wordsAdded(run).at(-1)?.by.login ?? run.request.by.login

/** Tells whoever asked who has to do something before it goes on. */
export function questionComment(
  run: Run,
  request: PermissionRequest,
  deployment: Deployment,
): string {
  const asks = request.question ? 'Codex has a question.' : 'Codex asks for your permission.'
  return [
    `${mentions([listener(run)])} ${asks}`,
    questionText(request, inlinePlace(run) === undefined),
    `Codex waits for you. Without an answer, this run ends within ${limits.silent / hour} hours.`,
    small([briefly(run), ...session(run, deployment)]),
  ].join('\n\n')
}

/** @param hasBoxes for comments in which a tick is told to the bot */
function questionText(request: PermissionRequest, hasBoxes = false): string {
  const { more = 0 } = request
  const otherwise =
    rejecting(request) === undefined
      ? 'You can also reply `/codex` and your own words.'
      : 'Any other reply means no, and Codex reads your words.'
  const how =
    request.options.length === 0
      ? 'reply `/codex <your answer>`.'
      : `${hasBoxes ? 'tick a box, or ' : ''}reply \`/codex 1\` for the first choice, and so on. ${otherwise}`
  const options = request.options.map(({ name }, index) =>
    hasBoxes ? choiceBox(index + 1, code(name)) : `${index + 1}. ${code(name)}`,
  )
  if (more > 0) options.push('', `And ${counted(more, 'more option')}.`)
  return paragraphs([quoted(request.title, 1_000), options.join('\n'), `**What to do:** ${how}`])
}

/** The address where it was put to people. */
export function questionUrl(run: Run): string | undefined {
  const request = openQuestion(run)
  const key = request && questionKey(run, request)
  const asked = run.report.questions?.find(known => known.key === key)
  return asked && commentUrl(run.thread, asked.inline ? 'inline' : 'comment', asked.commentId)
}
