/** The bot's sentences name its commands as they are called here. Words of others stand in quotes, and stay as they are. */
import { usualTrigger } from '../settings/trigger-words.ts'

export function inOwnWords(text: string, word: string): string {
  if (word === usualTrigger.word) return text
  return text
    .split('\n')
    .map(line => (line.startsWith('>') ? line : named(line, word)))
    .join('\n')
}

const named = (line: string, word: string): string =>
  line.replaceAll('`/codex', `\`/${word}`).replace(/^\/codex(?=\s|$)/, `/${word}`)
