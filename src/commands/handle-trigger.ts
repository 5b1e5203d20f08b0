/** What arrived becomes what happens: who may, what was asked, then an answer or a Run. */
import { instruction } from '../core/command/grammar.ts'
import { isMistake, type Parsed } from '../core/command/parse.ts'
import { ComeBack, Unanswered } from '../core/model/errors.ts'
import type { Held, Verdict } from '../core/model/ports.ts'
import { recent } from '../core/model/recently.ts'
import type { CommentTrigger, LabelTrigger, ThreadTrigger, TickTrigger } from '../core/model/trigger.ts'
import { backoff, limits } from '../core/run/timing.ts'
import { type Asked, acceptEach } from './accept-each.ts'
import { loseAccess } from './access-lost.ts'
import {
  type Asking,
  type Handled,
  refused,
  type TriggerDeps,
  type TriggerHand,
  triggerHand,
} from './command-context.ts'
import { commandNamed } from './command-registry.ts'
import { gate, isListedApp, mayNothing } from './gate.ts'
import { obey } from './perform.ts'
import { newsOfPull } from './pull-news.ts'
import { commandsOf, textsOf } from './read-commands.ts'
import { shownBy } from './thread-history.ts'
import { afterFault, giveUpDeadly, isNews, killsUs } from './trigger-faults.ts'
import { isOfThread, type ThreadRecord, type TriggerRecord } from './trigger-record.ts'
import { wasWithdrawn, withdraw } from './withdraw.ts'

export const acceptTrigger = (deps: TriggerDeps) => {
  const told = recent()
  return async (job: Held<TriggerRecord>): Promise<Verdict> => {
    if (!holdsThread(job)) return acceptLoss(deps, job)
    const hand = triggerHand(deps, job, told)
    if (killsUs(job)) return giveUpDeadly(hand)
    try {
      const verdict = await accept(hand, job.data.trigger)
      if (verdict.do === 'end' && isNews(job.data.trigger)) deps.meter?.handled(job.data.trigger.kind, 'news')
      return verdict
    } catch (error) {
      return await afterFault(hand, error)
    }
  }
}

const end: Verdict = { do: 'end' }

const holdsThread = (job: Held<TriggerRecord>): job is Held<ThreadRecord> => isOfThread(job.data)

/** There is no thread to be told of a failure, so it is tried as long as anything is. */
async function acceptLoss(deps: TriggerDeps, job: Held<TriggerRecord>): Promise<Verdict> {
  const { trigger } = job.data
  if (trigger.kind !== 'access-lost') return end
  const { log } = deps
  try {
    await loseAccess(deps, trigger)
    log.info({ trigger: job.id, installation: trigger.installationId, by: trigger.by }, 'access lost')
    return end
  } catch (error) {
    if (error instanceof ComeBack) return { do: 'park', ms: Math.max(1, error.until - deps.now()) }
    if (!(error instanceof Unanswered) || deps.now() - job.addedAt > limits.trouble) throw error
    log.warn({ trigger: job.id, err: error }, 'no usable answer')
    return { do: 'park', ms: backoff(2) }
  }
}

function accept(hand: TriggerHand, trigger: ThreadTrigger): Promise<Verdict> {
  switch (trigger.kind) {
    case 'comment':
      return acceptComment(hand, trigger)
    case 'label':
      return acceptLabel(hand, trigger)
    case 'pull-news':
      return newsOfPull(hand, trigger)
    case 'tick':
      return acceptTick(hand, trigger)
    case 'withdrawal':
      return withdraw(hand, trigger)
  }
}

/** Who may do nothing is refused unread; what others wrote is parsed only when GitHub has said who they are. */
async function acceptComment(hand: TriggerHand, trigger: CommentTrigger): Promise<Verdict> {
  if (!(await isHeard(hand, trigger))) return end
  const texts = await textsOf(hand, trigger)
  if (texts.length === 0) return end
  if (await mayNothing(hand, trigger))
    return acceptEach(hand, trigger, [{ handle: () => refuseUnread(hand, trigger) }])
  const asked = await commandsOf(trigger, texts)
  return acceptEach(
    hand,
    trigger,
    asked.map(parsed => askedBy(hand, trigger, parsed)),
  )
}

function askedBy(hand: TriggerHand, trigger: CommentTrigger, parsed: Parsed): Asked {
  if (isMistake(parsed)) return { handle: () => mistaken(hand, trigger, parsed) }
  const { name, options, text } = parsed.command
  return {
    stops: name === 'stop',
    handle: () => obey(hand, trigger, commandNamed(name), { options, text }),
  }
}

/** A bot that nobody let in is not even answered: two bots that answer each other never stop. */
async function isHeard(hand: TriggerHand, { sender }: Asking): Promise<boolean> {
  if (await wasWithdrawn(hand)) return false
  return sender.app === undefined || isListedApp(hand, sender.app)
}

const acceptOne = async (hand: TriggerHand, trigger: Asking, asked: Asked): Promise<Verdict> =>
  (await isHeard(hand, trigger)) ? acceptEach(hand, trigger, [asked]) : end

const refuseUnread = async (hand: TriggerHand, trigger: Asking): Promise<Handled> =>
  (await gate(hand, trigger, instruction)) ?? { with: 'silence' }

async function mistaken(hand: TriggerHand, trigger: CommentTrigger, mistake: Parsed): Promise<Handled> {
  const denied = await gate(hand, trigger, instruction)
  if (denied) return denied
  return isMistake(mistake) ? refused({ reply: 'mistake', mistake }) : { with: 'silence' }
}

const nothingSaid = { options: {}, text: '' }

const acceptLabel = (hand: TriggerHand, trigger: LabelTrigger): Promise<Verdict> =>
  acceptOne(hand, trigger, { handle: () => obey(hand, trigger, commandNamed(instruction), nothingSaid) })

/** A box counts only in a comment that carries our signature for this very thread. */
async function acceptTick(hand: TriggerHand, trigger: TickTrigger): Promise<Verdict> {
  const shown = shownBy(hand, trigger)
  if (!shown) return end
  const ticked = { ...trigger, run: shown.run }
  return acceptOne(hand, ticked, {
    stops: trigger.box === 'stop',
    handle: () => obey(hand, ticked, commandNamed(trigger.box), nothingSaid),
  })
}
