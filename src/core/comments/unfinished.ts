/** Why an agent did not finish, and what helps. */
import type { Unfinished } from '../run/record/result-part.ts'

interface InWords {
  because: string
  fix: string
  /** Whether the same request, asked again, may end otherwise. */
  again: boolean
}

const goOn = '`/codex continue` goes on where it stopped.'

export const unfinished: Record<Unfinished, InWords> = {
  'sandbox-gone': { because: 'its sandbox stopped', fix: goOn, again: true },
  'out-of-time': {
    because: 'it reached the time limit of PostHog',
    fix: `${goOn} A smaller task may fit into the limit.`,
    again: true,
  },
  inactive: { because: 'it did nothing for too long and PostHog ended it', fix: goOn, again: true },
  interrupted: { because: 'somebody interrupted it in PostHog', fix: goOn, again: true },
  error: { because: 'it ran into an error', fix: goOn, again: true },
  refusal: {
    because: 'the model refused to go on',
    fix: 'Ask in other words, or choose another model with `/codex retry --model NAME`.',
    again: false,
  },
  'max-tokens': {
    because: 'it reached the length limit of the model',
    fix: `${goOn} Ask for less at once if that happens again.`,
    again: true,
  },
  failed: { because: 'it ran into an error', fix: goOn, again: true },
  unread: { because: 'the session ended before it read this', fix: goOn, again: true },
  'ended-early': { because: 'PostHog ended the run in the middle of its work', fix: goOn, again: true },
}
