/**
 * What stands after `/codex pause`, total:
 *
 *   /codex pause                              until somebody says `/codex resume`
 *   /codex pause release                      the words are the reason
 *   /codex pause until 18:00 release          the next time that clock shows, UTC
 *   /codex pause until 2026-12-01 18:00       a day, with or without a time
 *   /codex pause until tomorrow, until Monday the beginning of that day
 *   /codex pause for 2 h                      minutes, hours or days
 */
import { day, hour, minute } from '../model/time.ts'

export type PauseWords =
  | { kind: 'pause'; until: number | undefined; why: string }
  /** Not a time, or one that is over, or more than a year away. */
  | { kind: 'no-time'; given: string }

const longest = 366 * day

export function readPause(text: string, now: number): PauseWords {
  const [start, how] = /^(until|for)\s+/i.exec(text) ?? []
  if (start === undefined) return { kind: 'pause', until: undefined, why: text.trim() }
  const rest = text.slice(start.length)
  const found = how?.toLowerCase() === 'for' ? lasting(rest, now) : moments(rest, now)
  const isUsable = found && found.until > now && found.until - now <= longest
  if (!isUsable) return { kind: 'no-time', given: text.split('\n', 1)[0]?.slice(0, 60).trim() ?? '' }
  return {
    kind: 'pause',
    until: found.until,
    why: rest
      .slice(found.length)
      .replace(/^(?:\s*UTC\b)?[\s,:;–—-]*/i, '')
      .trim(),
  }
}

interface Found {
  until: number
  /** Of what was read, in characters. */
  length: number
}

const units = { m: minute, h: hour, d: day }

function lasting(text: string, now: number): Found | undefined {
  const match = /^(\d{1,4})\s*(m|h|d)(?:in(?:ute)?s?|ours?|r|rs|ays?)?\b/i.exec(text)
  const unit = Object.entries(units).find(([letter]) => letter === match?.[2]?.toLowerCase())?.[1]
  return match && unit ? { until: now + Number(match[1]) * unit, length: match[0].length } : undefined
}

const clock = String.raw`(\d{1,2}):(\d{2})`
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

function moments(text: string, now: number): Found | undefined {
  const dated = new RegExp(String.raw`^(\d{4}-\d{2}-\d{2})(?:[T ]+${clock})?(?!\S*\d)`).exec(text)
  if (dated) {
    const [whole, date, hours = '00', minutes = '00'] = dated
    const until = Date.parse(`${date}T${hours.padStart(2, '0')}:${minutes}:00Z`)
    return Number.isNaN(until) ? undefined : { until, length: whole.length }
  }
  const midnight = now - (now % day)
  const timed = new RegExp(`^${clock}`).exec(text)
  if (timed) {
    const [whole, hours, minutes] = timed
    if (Number(hours) > 23 || Number(minutes) > 59) return undefined
    const today = midnight + Number(hours) * hour + Number(minutes) * minute
    return { until: today > now ? today : today + day, length: whole.length }
  }
  const [word = ''] = /^[a-z]+/i.exec(text) ?? []
  if (word.toLowerCase() === 'tomorrow') return { until: midnight + day, length: word.length }
  const wanted = weekdays.indexOf(word.toLowerCase())
  if (wanted === -1) return undefined
  const days = (wanted - new Date(now).getUTCDay() + 7) % 7 || 7
  return { until: midnight + days * day, length: word.length }
}
