/**
 * `/codex` without a command's name has Codex do what the words, a template or the thread itself say.
 * `/codex fix` alone stands for what the pull request needs.
 */
import type { Template } from '../core/command/template.ts'
import { instruction } from '../core/model/command-grammar.ts'
import { isFork } from '../core/model/thread.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import type { Pull, PullNeeds, Rounds } from '../core/model/views.ts'
import { openQuestion, questionId } from '../core/record/permission-request.ts'
import { isAtCap, roundsOf } from '../core/record/pull-end.ts'
import {
  type CommandRequest,
  command,
  type Decision,
  type Reads,
  reject,
  wants,
} from './command.ts'
import { decideStart, type InlineReads, inlineAndStart, type StartFacts } from './new-run.ts'

interface RunFacts {
  inline?: InlineComment[]
  template?: Template
  start: StartFacts
  /** What `fix` alone asks for, and how often that was before. */
  fix?: { needs: PullNeeds | undefined; pull: number; rounds: Rounds; running?: number | undefined }
}

export const runCommand = command({
  name: instruction,
  usage: '/codex [options] <instruction>',
  example: '/codex fix the flaky login test',
  about:
    'Does what you ask on the branch of this issue or pull request. Without an instruction, Codex does what the issue or pull request says. While a run works, your words are added to it. `/codex fix` on a pull request fixes what it needs: failed checks, conflicts, requested changes.',
  least: 'write',
  takes: 'text',
  options: true,
  starts: true,

  async facts(
    reads: InlineReads & Pick<Reads, 'template' | 'needs' | 'runsOf'>,
    request,
  ): Promise<RunFacts> {
    const [template, { inline, start }] = await Promise.all([
      request.literal ? undefined : reads.template(request.text),
      inlineAndStart(reads, request, wants(request)),
    ])
    const isBare = !template && !inline && namesNothing(request.text)
    const pull = isBare ? pullToFix(request, start) : undefined
    if (pull === undefined) return { inline, template, start }
    const [view, runs] = await Promise.all([reads.needs(pull), reads.runsOf(pull)])
    const [rounds, running] = [roundsOf(runs), view?.facts?.checks?.running]
    return { inline, template, start, fix: { needs: view?.needs, pull, rounds, running } }
  },

  decide(request, { inline, template, start, fix }) {
    if (request.trigger.kind === 'tick' && request.trigger.box !== 'fix')
      return choose(request, start)
    if (template?.kind === 'unknown-command') return reject('mistake', template)
    if (template?.kind === 'unusable') return reject('template', template.name, template.why)
    const isTicked = request.trigger.kind === 'tick'
    // An agent at work, or one that asked something, takes them as words.
    const isForNobody = fix !== undefined && start.kind === 'free'
    if (!fix?.needs && (isTicked || isForNobody))
      return reject('nothingToFix', fix?.pull, fix?.running)
    const words = wants(
      request,
      template ? { text: template.text, typed: request.text, inline } : { inline },
    )
    if (!fix?.needs) return decideStart(request, words, start)
    const most = mostRoundsAt(start)
    if (!request.options.force && most !== undefined && isAtCap(fix.rounds, most))
      return reject('fixRounds', fix.pull, most, fix.rounds)
    const text = `Fix what pull request #${fix.pull} needs.`
    return decideStart(
      request,
      wants(request, { text, typed: request.text, fixes: fix.needs }),
      start,
    )
  },
})

/** More words are the instruction. */
export const namesNothing = (text: string): boolean => /^\s*fix[\s.!]*$/i.test(text)

/** A box of a question counts while Codex waits for the answer to that one. */
function choose({ trigger, text }: CommandRequest, start: StartFacts): Decision {
  const live = start.kind === 'busy' ? start.live : undefined
  const question = live && openQuestion(live)
  const isOpen = question && trigger.kind === 'tick' && trigger.run === questionId(live, question)
  if (!isOpen) return reject('permissionOver')
  return { kind: 'message', runId: live.id, message: { kind: 'follow-up', text } }
}

/** The pull request that the thread is, or that its last run made; nobody pushes to a fork. */
function pullToFix({ trigger: { thread } }: CommandRequest, start: StartFacts): number | undefined {
  const isOfFork = start.kind === 'free' && start.head !== undefined && isFork(start.head, thread)
  if (isOfFork) return undefined
  if (thread.kind === 'pull') return thread.number
  return pullsAt(start).findLast(pull => pull?.state === 'open')?.number
}

function pullsAt(start: StartFacts): readonly (Pull | undefined)[] {
  if (start.kind === 'busy') return start.live.result.pulls
  return start.kind === 'free' ? [start.conversation?.pull] : []
}

/** The settings of the run at work decide, or those of now. */
function mostRoundsAt(start: StartFacts): number | undefined {
  if (start.kind === 'busy') return start.live.baseline.settings.limits.fix_rounds
  return start.kind === 'free' ? start.held.settings.limits.fix_rounds : undefined
}
