/** `npm run docs` writes the tables of commands and the list of options, with the words of `/codex help`. */
import { commands } from '../src/commands/command-registry.ts'
import { infoOf, optionNames, usageOf } from '../src/core/command/options.ts'
import { cell } from '../src/core/words/words.ts'
import { type Written, writeAll } from './written.ts'

/** docs/using.md has all commands. */
const commandRows: readonly string[] = [
  '| Command | What it does | Example | Needs |',
  ...commands.map(
    ({ usage, about, example, least }) =>
      `| ${cell(usage)} | ${about} | ${cell(example)} | ${least} |`,
  ),
]

/** What the README leaves to that page. */
const seldom: readonly string[] = ['approve', 'continue', 'retry', 'config', 'doctor']

const readmeRows: readonly string[] = [
  '| Command | What it does | Needs |',
  ...commands
    .filter(({ name }) => !seldom.includes(name))
    .map(({ usage, about, least }) => `| ${cell(usage)} | ${about} | ${least} |`),
]

const optionLines: readonly string[] = optionNames.map(
  name => `- \`${usageOf(name)}\` ${infoOf(name).about}`,
)

function withRows(page: string, [head = '', ...rows]: readonly string[]): string {
  const rule = head.replace(/[^|]+/g, ' --- ').trim()
  const table = [head, rule, ...rows].map(row => `${row}\n`).join('')
  const options = optionLines.map(line => `${line}\n`).join('')
  return page
    .replace(/^\| Command [\s\S]*?\n(?=\n)/m, () => table)
    .replace(/^- `--[\s\S]*?\n(?=\n)/m, () => options)
}

export const commandDocs: Written = [
  ['README.md', page => withRows(page, readmeRows)],
  ['docs/using.md', page => withRows(page, commandRows)],
]

if (process.argv[1] === import.meta.filename) writeAll(commandDocs)
