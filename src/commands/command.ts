/** A command in one file: grammar, role, facts and a pure decision, which `perform` carries out. */
import type { CommandGrammar } from '../core/command/grammar.ts'
import type { Options } from '../core/command/options.ts'
import type { Reply } from '../core/comments/replies.ts'
import type { Thread } from '../core/model/thread.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import type { Run } from '../core/run/run.ts'
import type { Attachment } from '../core/text/attachment.ts'
import type { CommandTrigger } from './command-context.ts'
import type { Reads } from './reads.ts'

export interface Request {
  trigger: CommandTrigger
  options: Options
  text: string
  /** The files that can be seen where it was asked. */
  attached?: Attachment[] | undefined
  runId: string
  /** Which of the commands of its comment. */
  command: number
}

export type Decision =
  | { kind: 'reply'; reply: Reply }
  | { kind: 'reject'; reply: Reply }
  | { kind: 'start'; run: Run }
  | { kind: 'started' }
  /** `beside`: the thread of the Run, if it is another. */
  | { kind: 'message'; runId: string; message: NewMessage; beside?: Thread }
  /** The live Run has told its result and only ends its agent: replace it at once. */
  | { kind: 'take-over'; run: Run }
  /** Park until that Run of the thread has an outcome, or has ended: both wake the command. */
  | { kind: 'wait'; behind: Run; announce?: Reply }
  | { kind: 'silence' }

type NewMessage =
  | { kind: 'follow-up'; text: string; inline?: InlineComment[]; attached?: Attachment[] }
  | { kind: 'stop' }
  | { kind: 'label'; label: string }

export interface Command<Facts = unknown> extends CommandGrammar {
  repliesAtOnce?: boolean
  /** Something begins by it, which a stop ends. */
  starts?: boolean
  facts(reads: Reads, request: Request): Promise<Facts>
  decide(request: Request, facts: Facts): Decision
}

export const command = <Facts>(parts: Command<Facts>): Command<Facts> => parts

export const reject = (reply: Reply): Decision => ({ kind: 'reject', reply })
