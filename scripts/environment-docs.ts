/** `npm run docs` writes docs/environment.md and .env.example, from the one table of the environment. */
import { about, Environment, variables } from '../src/config.ts'
import { type Written, writeAll } from './written.ts'

const rows = variables.map(name => {
  const schema = Environment.shape[name]
  const standsIn = schema.safeParse(undefined).data
  return {
    meaning: '',
    ...about.get(schema),
    name,
    default: standsIn === undefined ? undefined : String(standsIn),
  }
})

/** The table of the page, as a formatter leaves it but for its spaces. */
const environmentTable = (): string =>
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
  markdown.replace(/\[([^\]]*)\]\(([^)#]*)[^)]*\)/g, '$1 (docs/$2)').replaceAll('`', '')

/** In lines that a terminal can show. */
function comment(meaning: string): string[] {
  const lines: string[] = []
  for (const word of `${plain(meaning)}.`.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < 98)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`# ${word}`)
  }
  return lines
}

const heading = (part: string): string => `# ── ${part} ${'─'.repeat(width - part.length - 6)}`

const envExample = (): string =>
  [
    '# Copy this file to .env. Or start the bot without an APP_ID: its set-up page writes the first part.',
    '# A line that is commented out shows the default, or an example if there is no default.',
    ...rows.flatMap(({ name, part, meaning, default: standsIn, example = '', needed }) => [
      ...(part === undefined ? [] : ['', heading(part)]),
      '',
      ...comment(meaning),
      `${needed ? '' : '# '}${name}=${standsIn ?? example}`,
    ]),
    '',
  ].join('\n')

export const environmentDocs: Written = [
  ['.env.example', envExample],
  [
    'docs/environment.md',
    page => page.replace(/^\| Variable [\s\S]*?\n(?=\n)/m, () => `${environmentTable()}\n`),
  ],
]

if (process.argv[1] === import.meta.filename) writeAll(environmentDocs)
