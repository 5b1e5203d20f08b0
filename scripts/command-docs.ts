/** `npm run docs` writes the tables of commands and the list of options, with the words of `/codex help`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commands } from '../src/commands/command-registry.ts'
import { infoOf, optionNames, usageOf } from '../src/core/command/options.ts'
import { cell } from '../src/core/words/words.ts'

/** docs/using.md has all commands. */
export const commandRows: readonly string[] = [
  '| Command | What it does | Example | Needs |',
  ...commands.map(
    ({ usage, about, example, least }) =>
      `| ${cell(usage)} | ${about} | ${cell(example)} | ${least} |`,
  ),
]

/** What the README leaves to that page. */
const seldom: readonly string[] = ['approve', 'continue', 'retry', 'config', 'doctor']

export const readmeRows: readonly string[] = [
  '| Command | What it does | Needs |',
  ...commands
    .filter(({ name }) => !seldom.includes(name))
    .map(({ usage, about, least }) => `| ${cell(usage)} | ${about} | ${least} |`),
]

export const optionLines: readonly string[] = optionNames.map(
  name => `- \`${usageOf(name)}\` ${infoOf(name).about}`,
)

function write(path: string, [head = '', ...rows]: readonly string[]): void {
  const file = new URL(`../${path}`, import.meta.url)
  const rule = head.replace(/[^|]+/g, ' --- ').trim()
  const table = [head, rule, ...rows].map(row => `${row}\n`).join('')
  const page = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    page
      .replace(/^\| Command [\s\S]*?\n(?=\n)/m, () => table)
      .replace(/^- `--[\s\S]*?\n(?=\n)/m, () => optionLines.map(line => `${line}\n`).join('')),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  write('README.md', readmeRows)
  write('docs/using.md', commandRows)
}
