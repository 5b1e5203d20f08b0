/** Puts the configured command word into our sentences; quoted text stays as it is. */
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
