/** The log: no secret in any line, and no stack of what a service may well answer. */
import { type Logger, pino, stdSerializers } from 'pino'
import type { Config } from '../config.ts'
import {
  NoResponse,
  QueueUnavailable,
  Rejected,
  ResultPending,
  RetryLater,
} from '../core/model/errors.ts'
import type { Redact } from '../core/text/redact.ts'

export async function openLog({ level, format }: Config['log'], redact: Redact): Promise<Logger> {
  const write = format === 'pretty' ? await prettyLines() : linesTogether()
  const options = {
    level,
    base: { name: 'codex-task-bot' },
    serializers: { err: errorShown },
    formatters: { level: (name: string) => ({ level: name }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  return pino(options, { write: line => write(redact(line)) })
}

const expectedErrors = [NoResponse, QueueUnavailable, Rejected, ResultPending, RetryLater]

function errorShown(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (!expectedErrors.some(kind => error instanceof kind)) return stdSerializers.err(error)
  const { name: type, message } = error
  return error instanceof Rejected
    ? { type, message, service: error.service, status: error.status, code: error.code || undefined }
    : { type, message }
}

type Write = (line: string) => void

/** Writes the lines of one pass of the event loop together, and the rest at exit. */
function linesTogether(): Write {
  let lines = ''
  const flush = () => {
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
  const { prettyFactory } = await import('pino-pretty')
  const pretty = prettyFactory({
    colorize: process.stdout.isTTY,
    ignore: 'pid,hostname,name',
    translateTime: "UTC:yyyy-mm-dd'T'HH:MM:ss.l'Z'",
  })
  let isRead = true
  surviveReader(() => {
    isRead = false
  })
  return line => void (isRead && process.stdout.write(pretty(line)))
}

/** A closed pipe loses lines, but does not end the process. */
function surviveReader(lost: () => void) {
  process.stderr.on('error', () => {})
  process.stdout.on('error', lost)
}
