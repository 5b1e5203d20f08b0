/** `npm run docs` writes the README's table of commands and list of options: those of `/codex help`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commands } from '../src/commands/command-registry.ts'
import { infoOf, optionNames, usageOf } from '../src/core/command/options.ts'
import { cell } from '../src/core/words/words.ts'

export const commandRows: readonly string[] = [
  '| Command | What it does | Example | Needs |',
  ...commands.map(
    ({ usage, about, example, least }) => `| ${cell(usage)} | ${about} | ${cell(example)} | ${least} |`,
  ),
]

export const optionLines: readonly string[] = optionNames.map(
  name => `- \`${usageOf(name)}\` ${infoOf(name).about}`,
)

const readme = new URL('../README.md', import.meta.url)

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [head, ...rows] = commandRows
  const table = [head, '| --- | --- | --- | --- |', ...rows].map(row => `${row}\n`).join('')
  writeFileSync(
    readme,
    readFileSync(readme, 'utf8')
      .replace(/^\| Command [\s\S]*?\n(?=\n)/m, () => table)
      .replace(/^- `--[\s\S]*?\n(?=\n)/m, () => optionLines.map(line => `${line}\n`).join('')),
  )
}
