/** Pictures of text with at most 256 colours, still or moving: a third of the bytes that a browser writes. */
import { deflateSync, inflateSync } from 'node:zlib'

const signature = Buffer.from('89504e470d0a1a0a', 'hex')

/** @param png 8 bits a channel, RGB or RGBA, not interlaced, as Chromium writes it */
export function smallPng(png: Buffer): Buffer {
  const { head, table, images: [image = empty] = [] } = reduced([png])
  return pngOf(head, table, chunk('IDAT', image))
}

interface Frame {
  /** All of one size. */
  png: Buffer
  /** How long it is shown, up to a minute. */
  ms: number
}

/**
 * An animated PNG that is played three times. Where it does not move, its last frame is seen.
 * @param comment kept in it
 */
export function movingPng(frames: readonly Frame[], comment: string): Buffer {
  const { head, table, images } = reduced(frames.map(({ png }) => png))
  let sequence = 0
  const moves = frames.flatMap(({ ms }, index) => {
    const control = Buffer.alloc(26)
    control.writeUInt32BE(sequence++, 0)
    head.copy(control, 4, 0, 8)
    control.writeUInt16BE(ms, 20)
    control.writeUInt16BE(1000, 22)
    const data = Buffer.concat([Buffer.alloc(4), images[index] ?? empty])
    data.writeUInt32BE(sequence++, 0)
    return [chunk('fcTL', control), chunk('fdAT', data)]
  })
  const animation = Buffer.alloc(8)
  animation.writeUInt32BE(frames.length, 0)
  animation.writeUInt32BE(3, 4)
  const still = chunk('IDAT', images.at(-1) ?? empty)
  const text = chunk('tEXt', Buffer.from(`Comment\0${comment}`, 'latin1'))
  return pngOf(head, table, text, chunk('acTL', animation), still, ...moves)
}

const empty = Buffer.alloc(0)

const pngOf = (head: Buffer, table: Buffer, ...chunks: Buffer[]): Buffer =>
  Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('PLTE', table),
    ...chunks,
    chunk('IEND', empty),
  ])

/** Pictures of one size, with one palette. */
function reduced(pngs: readonly Buffer[]) {
  const counts = new Map<number, number>()
  const pictures = pngs.map(png => {
    const { width, height, pixels, channels } = decoded(png)
    const colours = new Uint32Array(width * height)
    for (let at = 0; at < colours.length; at += 1) {
      const [r = 0, g = 0, b = 0] = pixels.subarray(at * channels, at * channels + 3)
      const colour = (r << 16) | (g << 8) | b
      colours[at] = colour
      counts.set(colour, (counts.get(colour) ?? 0) + 1)
    }
    return { width, height, colours }
  })
  const palette: number[] = []
  for (const [colour] of [...counts].toSorted(([, a], [, b]) => b - a))
    if (palette.length < 256 && palette.every(other => distance(other, colour) > alike))
      palette.push(colour)
  const indexOf = new Map([...counts.keys()].map(colour => [colour, nearest(palette, colour)]))
  const images = pictures.map(({ width, height, colours }) => {
    const rows = Buffer.alloc((width + 1) * height)
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1)
        rows[y * (width + 1) + 1 + x] = indexOf.get(colours[y * width + x] ?? 0) ?? 0
    return deflateSync(rows, { level: 9 })
  })
  const head = Buffer.alloc(13)
  head.writeUInt32BE(pictures[0]?.width ?? 0, 0)
  head.writeUInt32BE(pictures[0]?.height ?? 0, 4)
  head.set([8, 3, 0, 0, 0], 8)
  const table = Buffer.from(
    palette.flatMap(colour => [colour >> 16, (colour >> 8) & 255, colour & 255]),
  )
  return { head, table, images }
}

/** One of such colours is enough. Else the greys around letters would leave no place for what is small and colourful. */
const alike = 64

const distance = (one: number, other: number): number =>
  [16, 8, 0].reduce(
    (sum, shift) => sum + (((one >> shift) & 255) - ((other >> shift) & 255)) ** 2,
    0,
  )

function nearest(palette: readonly number[], colour: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const [index, other] of palette.entries()) {
    const far = distance(other, colour)
    if (far < least) [best, least] = [index, far]
  }
  return best
}

function decoded(png: Buffer) {
  const data: Buffer[] = []
  let [width, height, channels] = [0, 0, 4]
  for (let at = signature.length; at < png.length; ) {
    const length = png.readUInt32BE(at)
    const body = png.subarray(at + 8, at + 8 + length)
    const kind = png.toString('latin1', at + 4, at + 8)
    if (kind === 'IHDR')
      [width, height, channels] = [
        body.readUInt32BE(0),
        body.readUInt32BE(4),
        body[9] === 2 ? 3 : 4,
      ]
    if (kind === 'IDAT') data.push(body)
    at += length + 12
  }
  return {
    width,
    height,
    channels,
    pixels: unfiltered(inflateSync(Buffer.concat(data)), width * channels, channels),
  }
}

/** The five filters of the PNG specification, section 9. */
function unfiltered(filtered: Buffer, stride: number, step: number): Buffer {
  const rows = filtered.length / (stride + 1)
  const pixels = Buffer.alloc(rows * stride)
  for (let y = 0; y < rows; y += 1) {
    const filter = filtered[y * (stride + 1)] ?? 0
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x
      const left = x >= step ? (pixels[at - step] ?? 0) : 0
      const up = y > 0 ? (pixels[at - stride] ?? 0) : 0
      const corner = y > 0 && x >= step ? (pixels[at - stride - step] ?? 0) : 0
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0
      pixels[at] = ((filtered[y * (stride + 1) + 1 + x] ?? 0) + guess) & 255
    }
  }
  return pixels
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [
    Math.abs(up - corner),
    Math.abs(left - corner),
    Math.abs(left + up - 2 * corner),
  ]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

function chunk(kind: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), body])
  const whole = Buffer.alloc(named.length + 8)
  whole.writeUInt32BE(body.length, 0)
  named.copy(whole, 4)
  whole.writeUInt32BE(crc(named), named.length + 4)
  return whole
}

function crc(bytes: Buffer): number {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1
  }
  return (sum ^ 0xffffffff) >>> 0
}
