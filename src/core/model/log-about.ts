import type { Log } from './ports.ts'

export const logAbout = (log: Log, about: object): Log => ({
  info: (fields, message) => log.info({ ...about, ...fields }, message),
  warn: (fields, message) => log.warn({ ...about, ...fields }, message),
  error: (fields, message) => log.error({ ...about, ...fields }, message),
})
