/** One file for a report of a fault: what runs here, and how. No secret is in it, and no name or word of a person. */
import { readFileSync } from 'node:fs'
import { arch, platform, release } from 'node:os'
import { asPrinted, type Check } from '../core/model/check.ts'
import { describe } from '../core/model/errors.ts'
import { redactor } from '../core/text/redact.ts'
import { type Env, readVariables, rows } from '../environment.ts'

export async function bundleOf(env: Env, checks: readonly Check[]): Promise<string> {
  const { given } = readVariables(env)
  const set = rows.filter(({ name }) => env[name]?.trim())
  const bundle = {
    made: new Date().toISOString(),
    version: versionIn(new URL('../../package.json', import.meta.url)),
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    settings: Object.fromEntries(set.map(({ name, isPlain }) => [name, isPlain ? given[name] : 'set'])),
    // What is right may name owners and repositories.
    checks: checks.map(check =>
      check.ok ? { name: check.name, ok: true, unsure: check.unsure } : asPrinted(check),
    ),
    metrics: await metricsOf(given),
  }
  const secrets = rows.flatMap(({ name, isPlain }) => (isPlain ? [] : [env[name]?.trim() ?? '']))
  return `${redactor(secrets)(JSON.stringify(bundle, null, 2))}\n`
}

function versionIn(file: URL): string {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).version
  } catch {
    return 'unknown'
  }
}

/** ms */
const answersWithin = 5_000

/** Of the bot that runs here: how full the queues are, and what came of runs, by class. Their labels are from fixed lists. */
async function metricsOf({ HOST, PORT, METRICS_TOKEN }: ReturnType<typeof readVariables>['given']) {
  const host = /^(?:0\.0\.0\.0|\[?::\]?)$/.test(HOST) ? 'localhost' : HOST
  try {
    const response = await fetch(`http://${host}:${PORT}/metrics`, {
      headers: METRICS_TOKEN === undefined ? {} : { authorization: `Bearer ${METRICS_TOKEN}` },
      signal: AbortSignal.timeout(answersWithin),
    })
    const page = await response.text()
    if (!response.ok) return `the bot at PORT ${PORT} answers ${response.status}: ${page.trim()}`
    return page.split('\n').filter(line => line.startsWith('codex_bot_') && !/_bucket\{| 0$/.test(line))
  } catch (error) {
    return `no bot answers at PORT ${PORT}: ${describe(error)}`
  }
}
