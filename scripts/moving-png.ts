/** Joins pictures as a browser writes them to one that moves: an animated PNG (PNG specification, third edition). */
import { crc32 } from 'node:zlib'

interface Frame {
  /** All of one size. */
  png: Buffer
  /** How long it is shown, up to a minute. */
  ms: number
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex')
const times = 3

/**
 * It is played three times. Where it does not move, its last frame is seen.
 * @param comment kept in it
 */
export function movingPng(frames: readonly Frame[], comment: string): Buffer {
  const still = frames.at(-1)?.png ?? Buffer.alloc(0)
  const [head = Buffer.alloc(0)] = bodiesOf(still, 'IHDR')
  let sequence = 0
  const moves = frames.flatMap(({ png, ms }) => {
    const size = head.subarray(0, 8)
    const control = chunk('fcTL', number(sequence++), size, Buffer.alloc(8), delay(ms))
    const images = bodiesOf(png, 'IDAT').map(body => chunk('fdAT', number(sequence++), body))
    return [control, ...images]
  })
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('tEXt', Buffer.from(`Comment\0${comment}`, 'latin1')),
    chunk('acTL', number(frames.length), number(times)),
    ...bodiesOf(still, 'IDAT').map(body => chunk('IDAT', body)),
    ...moves,
    chunk('IEND'),
  ])
}

function bodiesOf(png: Buffer, kind: string): Buffer[] {
  const bodies: Buffer[] = []
  for (let at = signature.length; at < png.length; ) {
    const end = at + 8 + png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === kind) bodies.push(png.subarray(at + 8, end))
    at = end + 4
  }
  return bodies
}

function chunk(kind: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), body])
  return Buffer.concat([number(body.length), named, number(crc32(named))])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** In thousandths of a second. The next frame takes the place of this one. */
function delay(ms: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(ms, 0)
  bytes.writeUInt16BE(1_000, 2)
  return bytes
}
