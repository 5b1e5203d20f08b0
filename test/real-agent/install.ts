/** Installs the package of the real agent, if it is not there as its lockfile has it. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentServer, here } from './installed.ts'

const modules = join(here, 'node_modules')
const mark = join(modules, '.installed-from')

export function install(): void {
  const wanted = createHash('sha256')
    .update(readFileSync(join(here, 'package-lock.json')))
    .digest('hex')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted && existsSync(agentServer)) return
  npm('ci')
  done(wanted)
}

/** The newest of everything, in the place of what the lockfile has; the lockfile is not written. */
export function installNewest(): void {
  npm('install', '--no-save', '--no-package-lock', '@posthog/agent@latest')
  // The agent chooses the version of Codex that goes with it.
  const { dependencies } = JSON.parse(readFileSync(join(modules, '@posthog/agent/package.json'), 'utf8'))
  const codex = String(dependencies['@openai/codex'])
  npm(
    'install',
    '--no-save',
    '--no-package-lock',
    '@posthog/agent@latest',
    `@openai/codex-linux-x64@npm:@openai/codex@${codex}-linux-x64`,
  )
  done('the newest')
}

function npm(...args: string[]): void {
  const { status } = spawnSync('npm', args, { cwd: here, stdio: 'inherit' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} in test/real-agent failed`)
}

function done(from: string): void {
  // A second agent, of 214 MB, that no run of Codex uses.
  rmSync(join(modules, '@posthog/agent/dist/claude-cli/claude'), { force: true })
  writeFileSync(mark, from)
}
