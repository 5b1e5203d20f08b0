import { createHash, timingSafeEqual } from 'node:crypto'

/** In constant time, whatever their lengths. */
export const isSameSecret = (given: string, wanted: string): boolean =>
  timingSafeEqual(digest(given), digest(wanted))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
