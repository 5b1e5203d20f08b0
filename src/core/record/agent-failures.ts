/**
 * What ended the agent's work, from what PostHog stored of it. Its agent-server stores `<class>: text`
 * (`error-classification.ts` of @posthog/agent), and the class decides. A reason without a class is that of PostHog's
 * workflow around the agent, unless the agent's log has it, too.
 */
import type { Fault } from '../model/task-run.ts'
import { timeOfDay } from '../text/phrases.ts'
import { type Failure, failure, hopeless } from './failures.ts'

type FailureName = keyof typeof failureKinds

interface FailureKind {
  /** PostHog's class of the error, or what its text says. */
  class?: RegExp
  text?: RegExp
  /** Something broke: it is asked once more. Else it would end the same way. */
  broke?: true
  of: Failure['class']
  reason: string
  /** What was said is told with it, or since when it is so. */
  tells?: 'words' | 'since'
  fix: string
  /** Trying again as it was asked can't help. */
  hopeless?: true
}

/** What PostHog and the providers behind it say of a limit of use or of money. A limit of speed passes by itself. */
const overLimit = new RegExp(
  [
    '\\b(?:usage|spend(?:ing)?|billing(?:[ _]hard)?|plan|monthly|daily)[ _](?:limit|cap)\\b',
    '\\binsufficient[ _](?:quota|credits?|funds|balance)\\b',
    '(?<!disk )\\b(?:quota|budget|credits)\\b.{0,40}\\b(?:exceeded|exhausted|reached|used up)\\b',
    '\\bexceed(?:s|ed)?\\b.{0,40}\\b(?:quota|budget)\\b',
    '\\b(?:reached|hit|exceeded) your(?: \\w+){0,3} (?<!rate )limit\\b',
    '\\bout of (?:quota|budget|credits)\\b|\\bcredit balance\\b|\\bplan and billing\\b|\\bbilling details\\b',
  ].join('|'),
  'i',
)

export const saysLimit = (text: string): boolean => overLimit.test(text)

const waitOrRaise =
  'Wait until the limit resets, or have it raised in PostHog. Then write `/codex retry`.'
const waitALittle = 'Wait some minutes. Then write `/codex retry`.'

const failureKinds = {
  'spend-limit': {
    class: /^task_spend_limit$/,
    text: /spend limit|\b402\b|payment required/i,
    of: 'quota',
    reason: 'PostHog’s spend limit for one run is reached',
    fix: 'Ask for less at once, or have the limit raised in PostHog. Then write `/codex retry`.',
  },
  'usage-limit': {
    class: /^subscription_usage_limit$/,
    text: overLimit,
    of: 'quota',
    reason: 'the usage limit of the AI provider is reached',
    tells: 'words',
    fix: waitOrRaise,
  },
  stopped: {
    text: new RegExp(`${overLimit.source}|^stopped automatically`, 'i'),
    of: 'quota',
    reason: 'PostHog stopped the run for a limit',
    tells: 'words',
    fix: waitOrRaise,
  },
  'no-model': {
    text: /\b404\b|model .*(?:not found|does not exist|not available|unknown)|unknown model|model_not_found/i,
    hopeless: true,
    of: 'setup',
    reason: 'PostHog does not know the model, or may not use it',
    fix: 'Choose another model: `/codex retry --model NAME`.',
  },
  'no-access': {
    text: /\b40[13]\b|unauthorized|forbidden/i,
    of: 'setup',
    reason: 'the AI provider refused PostHog’s request for the model',
    fix: 'Somebody who manages PostHog can look at what it may use. Then write `/codex retry`.',
  },
  'no-repository': {
    text: /clone|repository (?:not found|access)|could not read from remote|authentication failed/i,
    of: 'setup',
    reason: 'PostHog could not read the repository',
    tells: 'words',
    fix: "Install PostHog's own GitHub App on this repository. Then write `/codex retry`.",
  },
  policy: {
    class: /^content_block_rejection$/,
    text: /safety policy|content.?(?:policy|filter)|usage policy|blocked by/i,
    hopeless: true,
    of: 'agent',
    reason: 'a policy of the AI provider does not allow this',
    fix: 'Ask in other words, or choose another model with `/codex retry --model NAME`.',
  },
  'too-long': {
    text: /context window|context.length|max_?output|incomplete response|prompt is too long|\b413\b/i,
    hopeless: true,
    of: 'agent',
    reason: 'this became too long for the model',
    fix: 'Ask for a smaller part in a new session: `/codex --new …`.',
  },
  'too-busy': {
    text: /\b429\b|too many requests|rate.?limit|high demand|overloaded/i,
    broke: true,
    of: 'network',
    reason: 'the AI provider behind PostHog has too much to do',
    tells: 'since',
    fix: waitALittle,
  },
  away: {
    class: /^upstream_/,
    text: /\b5\d\d\b|stream disconnected|connection|timed? ?out|upstream/i,
    broke: true,
    of: 'network',
    reason: 'the AI provider behind PostHog does not answer',
    tells: 'since',
    fix: waitALittle,
  },
  broke: {
    broke: true,
    of: 'agent',
    reason: 'it ran into an error',
    tells: 'words',
    fix: 'Look at the PostHog run. Then write `/codex retry`.',
  },
  outage: {
    broke: true,
    of: 'network',
    reason: 'PostHog’s run broke off',
    tells: 'words',
    fix: waitALittle,
  },
} satisfies Record<string, FailureKind>

const failuresByName: Readonly<Record<FailureName, FailureKind>> = failureKinds

const ofWorkflow: readonly FailureName[] = ['no-repository', 'spend-limit', 'stopped']
const ofServer: readonly FailureName[] = [
  'spend-limit',
  'usage-limit',
  'no-model',
  'no-access',
  'policy',
  'too-long',
  'too-busy',
  'away',
]

/** @param stored as the run has it; a run may fail without a word */
export function storedFault(stored = ''): Fault {
  const [all = '', named] = /^(\w+_\w+|agent error): */i.exec(stored) ?? []
  return { class: named?.toLowerCase().replaceAll(' ', '_'), text: stored.slice(all.length) }
}

function kindOf({ class: named, text }: Fault): FailureName {
  const isStored = named !== undefined || text === '' || /^agent error$/i.test(text)
  const byClass = ofServer.find(
    kind => named !== undefined && failuresByName[kind].class?.test(named),
  )
  const byText = (isStored ? ofServer : ofWorkflow).find(kind =>
    failuresByName[kind].text?.test(text),
  )
  // PostHog's class `upstream_…` has 429 and 5xx in it; which one, its text says.
  const isUpstream = byClass === 'away' && byText === 'too-busy'
  return (isUpstream ? byText : byClass) ?? byText ?? (isStored ? 'broke' : 'outage')
}

/** What a turn is resumed after; nothing, if the same would come of it. */
export function brokenBy(fault: Fault): 'failed' | 'outage' | undefined {
  const kind = kindOf(fault)
  return failuresByName[kind].broke && (kind === 'outage' ? 'outage' : 'failed')
}

/** @param since when that was first seen, ms since the epoch */
export const agentFailure = (fault: Fault, since?: number): Failure =>
  asFailure(kindOf(fault), fault.text, since)

/** @returns nothing where a person cancelled the run */
export const cancelledBy = (error = ''): Failure | undefined =>
  failureKinds.stopped.text.test(error) ? asFailure('stopped', error) : undefined

function asFailure(kind: FailureName, text: string, since?: number) {
  const { of, reason, tells, fix, hopeless: isHopeless } = failuresByName[kind]
  const when = tells === 'since' && since !== undefined ? ` (since ${timeOfDay(since)})` : ''
  const said = tells === 'words' ? providerMessage(text) : ''
  return (isHopeless ? hopeless : failure)(of, `${reason}${when}${said && `: ${said}`}`, fix)
}

export const gaveUpFailure = (reason: string): Failure =>
  failure(
    'agent',
    reason === '' ? 'it gave up' : `it gave up. In its own words: ${reason.slice(0, 200)}`,
    'Change what is in its way. Then write `/codex retry`, or ask for something else.',
  )

/** The provider's message, where it comes in JSON; nothing of how it was asked. */
function providerMessage(text: string) {
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.){1,300})/.exec(text)?.[1] ?? text
  return message
    .replace(/^agent error(?:: *|$)/i, '')
    .replace(/^The agent stopped before completing this request: */i, '')
    .replace(/,? *url: *\S+/gi, '')
    .replace(/^unexpected status \d+[^:]*(?:: *)?/i, '')
    .trim()
    .slice(0, 200)
}
