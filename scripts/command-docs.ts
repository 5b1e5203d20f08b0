/** `npm run docs` writes the README's table of commands and list of options: those of `/codex help`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commands } from '../src/commands/command-registry.ts'
import { replyComment } from '../src/core/comments/replies.ts'

const help = replyComment('', { kind: 'help', commands, label: 'codex' }).split('\n')
const linesOf = (start: string): string =>
  help
    .filter(line => line.startsWith(start))
    .map(line => `${line}\n`)
    .join('')

const readme = new URL('../README.md', import.meta.url)

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(
    readme,
    readFileSync(readme, 'utf8')
      .replace(/^\| Command [\s\S]*?\n(?=\n)/m, () => linesOf('|'))
      .replace(/^- `--[\s\S]*?\n(?=\n)/m, () => linesOf('- `--')),
  )
