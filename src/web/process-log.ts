/** The log: Probot's format, and no secret in any line. */
import { type Logger, pino } from 'pino'
import type { LogSettings } from '../config.ts'
import type { Redact } from '../core/text/redact.ts'

export async function openLog({ level, format }: LogSettings, redact: Redact): Promise<Logger> {
  const write = format === 'pretty' ? await prettyLines() : linesTogether()
  return pino({ level, base: { name: 'codex-task-bot' } }, { write: line => write(redact(line)) })
}

type Write = (line: string) => void

/** Writes the lines of one pass of the event loop together, and the rest at exit. */
function linesTogether(): Write {
  let lines = ''
  const flush = (): void => {
    const together = lines
    lines = ''
    if (together !== '') process.stdout.write(together)
  }
  process.on('exit', flush)
  surviveReader(() => {
    lines = ''
  })
  return line => {
    if (lines === '') setImmediate(flush)
    lines += line
  }
}

async function prettyLines(): Promise<Write> {
  const { getTransformStream } = await import('@probot/pino')
  const pretty = await getTransformStream({ logFormat: 'pretty' })
  pretty.pipe(process.stdout)
  surviveReader(() => {
    pretty.unpipe(process.stdout)
    pretty.resume()
  })
  return line => pretty.write(line)
}

/** A closed pipe loses lines, but does not end the process. */
function surviveReader(lost: () => void): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', lost)
}
