/**
 * What ended the agent's work, from what PostHog stored of it. Its agent-server stores `<class>: text`
 * (`error-classification.ts` of @posthog/agent), and the class decides. A reason without a class is the agent's own, told
 * with its tool `finish`, or the workflow's.
 */
import type { Fault } from '../model/task-run.ts'
import { timeOfDay } from '../text/phrases.ts'
import { type Failure, failure, hopeless } from './failures.ts'

type Kind = keyof typeof kinds

interface Known {
  /** PostHog's class of the error, or what its text says. */
  class?: RegExp
  text?: RegExp
  /** Something broke: it is asked once more. Else it would end the same way, or the agent ended it itself. */
  broke?: true
  failure(said: string, since: number | undefined): Failure
}

const kinds = {
  'spend-limit': {
    class: /^task_spend_limit$/,
    text: /spend limit|\b402\b|payment required/i,
    failure: () =>
      failure(
        'quota',
        'PostHog’s spend limit for one run is reached',
        'Ask for less at once, or have the limit raised in PostHog. Then write `/codex retry`.',
      ),
  },
  'usage-limit': {
    class: /^subscription_usage_limit$/,
    text: /usage limit|quota|billing/i,
    failure: said =>
      failure(
        'quota',
        quoting('the usage limit of the AI provider is reached', said),
        'Wait until the limit resets, or have it raised in PostHog. Then write `/codex retry`.',
      ),
  },
  'no-model': {
    text: /\b404\b|model .*(?:not found|does not exist|not available|unknown)|unknown model|model_not_found/i,
    failure: () =>
      hopeless(
        'setup',
        'PostHog does not know the model, or may not use it',
        'Choose another model: `/codex retry --model NAME`.',
      ),
  },
  'no-access': {
    text: /\b40[13]\b|unauthorized|forbidden/i,
    failure: () =>
      failure(
        'setup',
        'the AI provider refused PostHog’s request for the model',
        'Somebody who manages PostHog can look at what it may use. Then write `/codex retry`.',
      ),
  },
  'no-repository': {
    text: /clone|repository (?:not found|access)|could not read from remote|authentication failed/i,
    failure: said =>
      failure(
        'setup',
        quoting('PostHog could not read the repository', said),
        "Install PostHog's own GitHub App on this repository. Then write `/codex retry`.",
      ),
  },
  policy: {
    class: /^content_block_rejection$/,
    text: /safety policy|content.?policy|usage policy|blocked by/i,
    failure: () =>
      hopeless(
        'agent',
        'a policy of the AI provider does not allow this',
        'Ask in other words, or choose another model with `/codex retry --model NAME`.',
      ),
  },
  'too-long': {
    text: /context window|context.length|max_?output|incomplete response|prompt is too long|\b413\b/i,
    failure: () =>
      hopeless(
        'agent',
        'this became too long for the model',
        'Ask for a smaller part in a new session: `/codex --new …`.',
      ),
  },
  'too-busy': {
    text: /\b429\b|too many requests|rate.?limit|high demand|overloaded/i,
    broke: true,
    failure: (_, since) =>
      failure(
        'network',
        `the AI provider behind PostHog has too much to do${sinceWhen(since)}`,
        'Wait some minutes. Then write `/codex retry`.',
      ),
  },
  away: {
    class: /^upstream_/,
    text: /\b5\d\d\b|stream disconnected|connection|timed? ?out|upstream/i,
    broke: true,
    failure: (_, since) =>
      failure(
        'network',
        `the AI provider behind PostHog does not answer${sinceWhen(since)}`,
        'Wait some minutes. Then write `/codex retry`.',
      ),
  },
  broke: {
    broke: true,
    failure: said =>
      failure(
        'agent',
        quoting('it ran into an error', said),
        'Look at the PostHog run. Then write `/codex retry`.',
      ),
  },
  own: {
    failure: said =>
      failure(
        'agent',
        `it gave up. In its own words: ${said}`,
        'Change what is in its way. Then write `/codex retry`, or ask for something else.',
      ),
  },
} satisfies Record<string, Known>

const known: Readonly<Record<Kind, Known>> = kinds

/** If a reason has no class, only what a workflow says before its agent begins counts. */
const ofWorkflow: readonly Kind[] = ['no-repository', 'no-model', 'usage-limit', 'spend-limit']
const ofServer: readonly Kind[] = [
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
export function faultIn(stored = ''): Fault {
  const [all = '', named] = /^(\w+_\w+|agent error): */i.exec(stored) ?? []
  return { class: named?.toLowerCase().replaceAll(' ', '_'), text: stored.slice(all.length) }
}

/** @param bySelf the agent was seen to end its run itself */
function kindOf({ class: named, text }: Fault, bySelf = false): Kind {
  const isStored = named !== undefined || text === '' || /^agent error$/i.test(text)
  if (bySelf && !isStored) return 'own'
  const byClass = ofServer.find(kind => named !== undefined && known[kind].class?.test(named))
  const byText = (isStored ? ofServer : ofWorkflow).find(kind => known[kind].text?.test(text))
  // PostHog's class `upstream_…` has 429 and 5xx in it; which one, its text says.
  const isUpstream = byClass === 'away' && byText === 'too-busy'
  return (isUpstream ? byText : byClass) ?? byText ?? (isStored ? 'broke' : 'own')
}

export const mayGoOnAfter = (fault: Fault, bySelf = false): boolean =>
  known[kindOf(fault, bySelf)].broke === true

/** @param since when that was first seen, ms since the epoch */
export const agentFailure = (fault: Fault, { bySelf = false, since }: { bySelf?: boolean; since?: number }) =>
  known[kindOf(fault, bySelf)].failure(plain(fault.text), since)

/** The provider's message, where it comes in JSON; nothing of how it was asked. */
function plain(text: string): string {
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.){1,300})/.exec(text)?.[1] ?? text
  return message
    .replace(/^agent error(?:: *|$)/i, '')
    .replace(/^The agent stopped before completing this request: */i, '')
    .replace(/,? *url: *\S+/gi, '')
    .replace(/^unexpected status \d+[^:]*(?:: *)?/i, '')
    .trim()
    .slice(0, 200)
}

const quoting = (reason: string, said: string): string => (said ? `${reason}: ${said}` : reason)

const sinceWhen = (since: number | undefined): string =>
  since === undefined ? '' : ` (since ${timeOfDay(since)})`
