/** What a visitor may type: a comment, or one of these with a colon. */
import { type Line, span } from './ink.ts'
import { tableLines } from './table.ts'

export type Typed =
  | { is: 'comment'; text: string }
  | { is: 'as'; login: string }
  | { is: 'label'; label: string }
  | { is: 'issue'; title: string }
  | { is: 'thread'; number: number }
  | { is: 'help' }
  | { is: 'quit' }
  | { is: 'nothing' }

const help: Typed = { is: 'help' }

const commands: Readonly<Record<string, (rest: string) => Typed>> = {
  as: login => (login ? { is: 'as', login } : help),
  label: label => ({ is: 'label', label: label || 'codex' }),
  issue: title => (title ? { is: 'issue', title } : help),
  thread: number =>
    /^#?\d{1,9}$/.test(number) ? { is: 'thread', number: Number(number.replace('#', '')) } : help,
  quit: () => ({ is: 'quit' }),
}

export function typed(line: string): Typed {
  const text = line.trim()
  if (text === '') return { is: 'nothing' }
  if (!text.startsWith(':')) return { is: 'comment', text }
  const [, name = '', rest = ''] = /^:(\w*)\s*(.*)$/.exec(text) ?? []
  return commands[name]?.(rest) ?? help
}

const rows: readonly (readonly [string, string])[] = [
  ['/codex help', 'what the bot understands'],
  [
    '/codex --effort high clean up the login',
    'goes on with the work; anything else you type is a plain comment',
  ],
  ['/codex plan how to test the login', 'reads only, answers with a plan; then /codex approve'],
  ['/codex stop', 'while a run is going'],
  [':as rita', 'be olga (admin), mario (maintain), maya (write), theo (triage), rita (read) or eve (nobody)'],
  [':label', 'put the label codex on the thread; or :label codex:plan, codex:high …'],
  [':issue Title', 'open a new issue and go there'],
  [':thread 3', 'go to another thread'],
  [':quit', 'or Ctrl-D, or Ctrl-C'],
]

export const helpLines = (cells: number): Line[] =>
  tableLines(
    [['You type', 'and'], ...rows].map(([what = '', about = '']) => [[span(what, 'cyan')], [span(about)]]),
    cells - 2,
  ).map(line => [span('  '), ...line])
