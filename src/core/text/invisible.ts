/** Characters that a page does not show, or that change the direction of others. */

/** Invisible or direction-changing code points, as ranges. */
const invisibleRanges: readonly (readonly [number, number])[] = [
  // Controls other than tab and line feed
  [0x00, 0x08],
  [0x0b, 0x0c],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x3164, 0x3164],
  [0xffa0, 0xffa0],
  [0x61c, 0x61c],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
  [0xfe00, 0xfe0f],
  [0xfff0, 0xfffb],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
]

const point = (code: number): string => `\\u{${code.toString(16)}}`
const invisible = new RegExp(
  `[${invisibleRanges.map(([from, to]) => `${point(from)}-${point(to)}`).join('')}]`,
  'gu',
)

export const stripInvisible = (text: string): string =>
  text.toWellFormed().replace(/\r\n?/g, '\n').replace(invisible, '')

/** PostHog refuses lone surrogates and NUL. */
export const sendable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

export const isSendable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')
