/** The log: Probot's format, and no secret in any line. */
import { Transform } from 'node:stream'
import { getTransformStream } from '@probot/pino'
import { type Logger, pino } from 'pino'
import type { LogSettings } from '../config.ts'
import type { Redact } from '../core/redact.ts'

export async function openLog({ level, format }: LogSettings, redact: Redact): Promise<Logger> {
  const clean = new Transform({
    transform(chunk: Buffer, _, done) {
      done(null, redact(chunk.toString()))
    },
  })
  clean.pipe(await getTransformStream({ logFormat: format })).pipe(process.stdout)
  return pino({ level, base: { name: 'codex-task-bot' } }, clean)
}
