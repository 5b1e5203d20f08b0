/** Records what is named, or all, one after the other, or says in Markdown what a new recording says differently. */
import { compare } from './compare.ts'
import { versions } from './installed.ts'
import { setup } from './loopback.ts'
import { record } from './record.ts'
import { scenarios } from './scenarios.ts'

const [verb, first, ...others] = process.argv.slice(2)
const names = first === 'all' ? Object.keys(scenarios) : first === undefined ? [] : [first, ...others]

const verbs: Readonly<Record<string, (name: string) => Promise<string>>> = {
  record,
  compare: async name => {
    const changes = await compare(name)
    return changes === undefined ? `- ${name}: the same` : `- ${name}:\n\n\`\`\`diff\n${changes}\n\`\`\`\n`
  },
}

await setup()
const act = verbs[verb ?? '']
if (!act || names.length === 0)
  throw new Error(`record or compare, then all or some of: ${Object.keys(scenarios).join(', ')}`)
if (verb === 'compare') console.log(`## The real agent: ${JSON.stringify(versions())}\n`)
for (const name of names) {
  try {
    console.log(await act(name))
  } catch (error) {
    console.log(`- ${name} could not be played: ${error}`)
    process.exitCode = 1
  }
}
process.exit()
