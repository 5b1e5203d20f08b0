import type { Log } from '../../src/core/model/ports.ts'

type Line = Log['info']

/** What is logged by it and its children goes to the lines that are given, with the children's fields; the rest is lost. */
export function fakeLog(
  lines: Partial<Record<'debug' | 'info' | 'warn' | 'error', Line>> = {},
): Log {
  const of = (about: object): Log => {
    const line =
      (level: keyof typeof lines): Line =>
      (fields, message) =>
        lines[level]?.({ ...about, ...fields }, message)
    return {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: fields => of({ ...about, ...fields }),
    }
  }
  return of({})
}

export const fakeLogOf = (line: Line): Log =>
  fakeLog({ debug: line, info: line, warn: line, error: line })
