import type { Redis } from 'ioredis'

/**
 * Settings of the server under which jobs can vanish, in words for the operator. They are read from INFO, as
 * managed servers often forbid CONFIG; what a server does not tell is not warned about.
 */
export async function checkRedisSafety(connection: Pick<Redis, 'info'>): Promise<string[]> {
  const facts = parseInfo(await connection.info().catch(() => ''))
  const warnings: string[] = []
  const policy = facts.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `Redis may evict jobs when its memory is full: maxmemory-policy is ${policy}, it should be noeviction`,
    )
  }
  if (facts.get('aof_enabled') === '0') {
    warnings.push('Redis loses the newest jobs when it crashes: appendonly is off, it should be on')
  }
  return warnings
}

function parseInfo(text: string): Map<string, string> {
  const facts = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) facts.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return facts
}
