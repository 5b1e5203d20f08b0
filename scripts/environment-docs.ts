/** `npm run docs` writes what README.md and .env.example say of the environment, from its one table. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rows } from '../src/environment.ts'

const root = new URL('..', import.meta.url)

/** The table of the README, as a formatter leaves it but for its spaces. */
export const readmeTable = (): string =>
  [
    '| Variable | Default | Meaning |',
    '| --- | --- | --- |',
    ...rows.map(
      ({ name, default: standsIn, meaning }) =>
        `| \`${name}\` | ${standsIn === undefined ? '–' : `\`${standsIn}\``} | ${meaning} |`,
    ),
  ].join('\n')

const width = 80
const plain = (markdown: string): string =>
  markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, 'the README').replaceAll('`', '')

/** In lines that a terminal can show. */
function comment(meaning: string): string[] {
  const lines: string[] = []
  for (const word of `${plain(meaning)}.`.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < 98) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`# ${word}`)
  }
  return lines
}

const heading = (part: string): string => `# ── ${part} ${'─'.repeat(width - part.length - 6)}`

export const envExample = (): string =>
  [
    '# Copy this file to .env, or let the set-up page write the first part: `npm start` without an APP_ID.',
    '# What is commented out shows the default, or an example where there is none.',
    ...rows.flatMap(({ name, part, meaning, default: standsIn, example = '', needed }) => [
      ...(part === undefined ? [] : ['', heading(part)]),
      '',
      ...comment(meaning),
      `${needed ? '' : '# '}${name}=${standsIn ?? example}`,
    ]),
    '',
  ].join('\n')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('.env.example', root), envExample())
  const readme = readFileSync(new URL('README.md', root), 'utf8')
  writeFileSync(
    new URL('README.md', root),
    readme.replace(/^\| Variable [\s\S]*?\n(?=\n)/m, () => `${readmeTable()}\n`),
  )
}
