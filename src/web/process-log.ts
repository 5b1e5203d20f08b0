/** The log: Probot's format, and no secret in any line. */
import { type Readable, Transform } from 'node:stream'
import { getTransformStream } from '@probot/pino'
import { type Logger, pino } from 'pino'
import type { LogSettings } from '../config.ts'
import type { Redact } from '../core/text/redact.ts'

export async function openLog({ level, format }: LogSettings, redact: Redact): Promise<Logger> {
  const clean = new Transform({
    transform(chunk: Buffer, _, done) {
      done(null, redact(chunk.toString()))
    },
  })
  const lines = await getTransformStream({ logFormat: format })
  clean.pipe(lines).pipe(process.stdout)
  surviveReader(lines)
  return pino({ level, base: { name: 'codex-task-bot' } }, clean)
}

/** Who reads the log may go away: its lines are then lost, and not the process. */
function surviveReader(lines: Readable): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', () => {
    lines.unpipe(process.stdout)
    lines.resume()
  })
}
