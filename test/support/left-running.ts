/** Processes that outlive the worker which started them: a worker ends without a word, whoever started it ends these. */
import { appendFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const name = 'left-running'

export function noteLeftRunning(pids: readonly number[]): void {
  appendFileSync(join(tmpdir(), name), pids.map(pid => `${pid}\n`).join(''))
}

/** @param scratch the folder for scratch of the workers */
export async function endLeftRunning(scratch: string): Promise<void> {
  const pids = await readFile(join(scratch, name), 'utf8').catch(() => '')
  for (const pid of pids.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
}
