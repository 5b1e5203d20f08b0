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

/** The newest of both, in the place of what the lockfile has. Codex may be newer than the one that the agent pins. */
export function installNewest(): void {
  const { stdout } = npm('view', '@openai/codex', 'version')
  const codex = `@openai/codex-linux-x64@npm:@openai/codex@${stdout.trim()}-linux-x64`
  npm('install', '--no-save', '--no-package-lock', '@posthog/agent@latest', codex)
  done('the newest')
}

function npm(...args: string[]) {
  const ran = spawnSync('npm', args, {
    cwd: here,
    stdio: ['inherit', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (ran.status !== 0) throw new Error(`npm ${args.join(' ')} in test/real-agent failed`)
  return ran
}

function done(from: string): void {
  // A second agent, of 214 MB, that no run of Codex uses.
  rmSync(join(modules, '@posthog/agent/dist/claude-cli/claude'), { force: true })
  writeFileSync(mark, from)
}
