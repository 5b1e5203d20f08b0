/** What tells whose request it is. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares in constant time, whatever the lengths. */
export const isSameSecret = (given: string, wanted: string): boolean =>
  timingSafeEqual(digest(given), digest(wanted))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Says whether a page of ours sent it. A browser names the page's origin; where it does not, it says that it is the
 * same. No page of others can set either. (`hono/csrf` takes either header for enough, and any body that is called
 * JSON.)
 */
export function isFromHere(headers: Headers): boolean {
  const origin = headers.get('origin')
  if (origin === null) return headers.get('sec-fetch-site') === 'same-origin'
  if (!URL.canParse(origin)) return false
  const hosts = [headers.get('host'), headers.get('x-forwarded-host')]
  return hosts.includes(new URL(origin).host)
}

/** A bearer token is never sent by a browser of its own accord. */
export const isScript = (headers: Headers): boolean =>
  headers.get('origin') === null && /^Bearer /i.test(headers.get('authorization') ?? '')

/** Whoever asks while it is read gets the same. */
export function onceAtATime<T>(read: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined
  return () => {
    underWay ??= read().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}
