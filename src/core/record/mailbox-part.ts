/**
 * The mailbox of a Run's record:
 * 1. The words for its agent, and how far each has come (`ledger.ts` moves them on).
 * 2. The replies that senders still get.
 * 3. The mailbox itself: words, replies, and what was asked of the Run besides.
 * 4. `RunMessage`: what others may send to a Run. `messages.ts` says what each changes here.
 */
import { z } from 'zod'
import {
  falseAtFirst,
  noneAtFirst,
  trueOrAbsent,
  variant,
  zeroAtFirst,
} from '../model/schema-parts.ts'
import { Person } from '../model/thread.ts'
import { CommentRef, InlineComment } from '../model/trigger.ts'
import { Pull, PullNeeds, Rounds } from '../model/views.ts'
import { Attachment } from '../text/attachment-links.ts'

const integer = z.int()

/** The command that asked for something, and where its sender is answered. */
export const Source = z.object({
  trigger: z.string(),
  command: integer,
  target: CommentRef.optional(),
  last: z.boolean(),
})
export type Source = z.infer<typeof Source>

const byPerson = {
  id: z.string(),
  by: Person,
}

const byPersonAt = {
  ...byPerson,
  at: z.number(),
}

export const FollowUp = variant('follow-up', {
  ...byPersonAt,
  text: z.string(),
  /** What somebody wrote, where the bot made the text of it. */
  typed: z.string().optional(),
  inline: z.array(InlineComment).optional(),
  attached: z.array(Attachment).optional(),
  source: Source.optional(),
  /** What a pull request needs, where the agent is sent to fix that. */
  fixes: PullNeeds.optional(),
  /** They stand in a comment where these words stood before. */
  edits: z.string().optional(),
  /** The message in whose place they are said: the agent may have that one. */
  replaces: z.string().optional(),
  /** Somebody wrote it with `--force` to a Run that waits. */
  forces: trueOrAbsent,
  /** The bot's own: a turn that ended before it was done goes on. */
  resumes: trueOrAbsent,
})
export type FollowUp = z.infer<typeof FollowUp>

const WordState = z.object({
  state: z.enum(['waiting', 'sent', 'read', 'dropped']),
  /** The task run to which they were sent last. */
  to: z.string().optional(),
  /** The round in which they were sent first. */
  round: integer.optional(),
  /** The prompt in which its log has them, while it does not show them as the user's. */
  prompt: z.string().optional(),
  /** A task run ended without reading them. */
  again: trueOrAbsent,
})
export type WordState = z.infer<typeof WordState>

/** The request has the text of the instruction. */
export const Word = z.discriminatedUnion('kind', [
  variant('instruction', { id: z.string(), ...WordState.shape }),
  FollowUp.extend(WordState.shape),
])
export type Word = z.infer<typeof Word>

const ReplyContent = z.discriminatedUnion('kind', [
  variant('not-passed-on', { words: z.string().optional() }),
  /** Their comment was deleted after the agent had them. */
  variant('has-it', { words: z.string() }),
  variant('asked-since', {}),
  /** `words`: what was refused. */
  variant('refused', { because: z.string(), words: z.string().optional() }),
  variant('permission-over', {}),
  variant('permission-refused', { title: z.string(), because: z.string() }),
])
export type ReplyContent = z.infer<typeof ReplyContent>

/** The Run reacts to the comment at `source`, and says `reply` there, if there is one. */
const OwedReply = z.object({
  id: z.string(),
  to: Person,
  source: Source,
  reply: ReplyContent.optional(),
})
export type OwedReply = z.infer<typeof OwedReply>

const AcceptedStop = z.object({
  by: Person,
  at: z.number(),
  because: z.string().optional(),
})
export type AcceptedStop = z.infer<typeof AcceptedStop>

export const Mailbox = z.object({
  words: z.array(Word).default([]),
  answers: z.array(OwedReply).default([]),
  stop: AcceptedStop.optional(),
  ignoredStop: z.object({ by: z.string(), because: z.string() }).optional(),
  /** Somebody said `--force` while it waited. */
  forced: trueOrAbsent,
  accessLost: falseAtFirst,
  releaseThread: falseAtFirst,
  /** What is asked again once the Run has ended. */
  askAgain: z.array(Source).default([]),
  /** How often it was sent to fix what its pull request needs. */
  fixes: zeroAtFirst,
  /** The people whose words came after the request, in whatever round. */
  requesters: z.array(Person).default([]),
  /** Time of the newest message, GitHub's clock; without any, that of the request. */
  lastWordsAt: z.number().optional(),
  messagesRead: zeroAtFirst,
  /** Positions in the inbox of messages that this version can't read. */
  messagesUnread: z.array(integer).default([]),
  /** The messages that are no words, and words that were withdrawn before they came. */
  handledMessageIds: noneAtFirst,
})

/** What people want, and with which label, if that is why. */
const wishMessages = [
  FollowUp,
  variant('stop', {
    ...byPersonAt,
    because: z.string().optional(),
    source: Source.optional(),
    /** It was taken off, which is why. */
    labelOff: z.string().optional(),
  }),
  variant('ignored-stop', {
    ...byPerson,
    because: z.string(),
    labelOff: z.string().optional(),
  }),
  /** Words whose comment was deleted: by the ids of their messages, which may come after this. */
  variant('withdraw-follow-ups', {
    ...byPersonAt,
    because: z.string(),
    followUps: z.array(z.string()),
  }),
  /** `--force` for one that waits. */
  variant('force', { ...byPersonAt, source: Source.optional() }),
  variant('label', {
    ...byPersonAt,
    label: z.string(),
    source: Source.optional(),
  }),
  variant('label-off', { id: z.string(), label: z.string() }),
  variant('release-thread', { id: z.string() }),
] as const

/** How a pull request stands at GitHub. */
const PullStanding = Pull.pick({ number: true, state: true }).extend({
  draft: z.boolean().optional(),
  base: z.string().optional(),
  /** When it ended, ms since the epoch, and the rounds until then, for the Run that tells it. */
  at: z.number().optional(),
  rounds: Rounds.optional(),
  /** When GitHub was asked for it, our clock. */
  readAt: z.number().optional(),
})
export type PullStanding = z.infer<typeof PullStanding>

/** What became of its task run, pull request or repository. */
const newsMessages = [
  /** Poll now; `pull` names a pull request that the agent opened. */
  variant('poll', {
    id: z.string(),
    pull: z.string().optional(),
  }),
  variant('pull', {
    id: z.string(),
    ...PullStanding.shape,
  }),
  /** What its pull request needs may have changed. */
  variant('checked', { id: z.string() }),
  /** The App lost access: a stop, of which GitHub can't be told. */
  variant('access-lost', {
    ...byPersonAt,
    because: z.string(),
  }),
] as const

export const RunMessage = z.discriminatedUnion('kind', [...wishMessages, ...newsMessages])
export type RunMessage = z.infer<typeof RunMessage>
