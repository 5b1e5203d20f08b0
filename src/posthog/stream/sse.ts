/**
 * Server-sent events, read as the HTML standard says, from bytes that may be cut anywhere. Nothing grows
 * without end: an event longer than the limit is passed over, and what comes after it is read again.
 */

export interface SseEvent {
  /** `message` where the server gave none. */
  name: string
  data: string
  /** The last id the server gave, on this event or an earlier one. */
  id: string | undefined
}

/** Characters, names of the fields included. */
const longestEvent = 1_000_000

/** A reader of one connection: takes the next bytes, gives the events that they complete. */
export function sseReader(limit = longestEvent): (bytes: Uint8Array) => SseEvent[] {
  // Takes away a byte order mark, and keeps half a character until the rest of it comes.
  const decoder = new TextDecoder()
  const linesOf = lineReader(limit)
  const eventOf = eventReader(limit)
  return bytes => linesOf(decoder.decode(bytes, { stream: true })).flatMap(eventOf)
}

/** A line ends at CR, LF or both, and at a CR before it is known whether an LF follows. */
function lineReader(limit: number): (text: string) => string[] {
  const longer = (line: string, more: string): string => (line.length > limit ? line : line + more)
  let begun = ''
  let afterCr = false
  return text => {
    if (text === '') return []
    const lines = (afterCr && text.startsWith('\n') ? text.slice(1) : text).split(/\r\n|\r|\n/)
    afterCr = text.endsWith('\r')
    const whole = lines.slice(0, -1).map((line, index) => (index === 0 ? longer(begun, line) : line))
    const rest = lines.at(-1) ?? ''
    begun = whole.length === 0 ? longer(begun, rest) : rest
    return whole
  }
}

/** An empty line ends an event; one that the end of the connection cuts off was never there. */
function eventReader(limit: number): (line: string) => SseEvent[] {
  let id: string | undefined
  let name = ''
  let data: string[] = []
  let size = 0

  const take = (line: string): void => {
    size += line.length
    if (size > limit) {
      data = []
      return
    }
    const [field, value] = fieldOf(line)
    if (field === 'event') name = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  return line => {
    if (line.startsWith(':')) return []
    if (line !== '') {
      take(line)
      return []
    }
    const events = data.length === 0 ? [] : [{ name: name || 'message', data: data.join('\n'), id }]
    name = ''
    data = []
    size = 0
    return events
  }
}

function fieldOf(line: string): [field: string, value: string] {
  const colon = line.indexOf(':')
  if (colon === -1) return [line, '']
  const value = line.slice(colon + 1)
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value]
}
