import { stripInvisible } from './invisible.ts'

const maxName = 255

export function nameOf(words: string, address: URL): string {
  return (
    fileNamed(/^https?:\/\//i.test(words) ? '' : words) ||
    fileNamed(lastSegment(address.href)) ||
    'attachment'
  )
}

export function fileNamed(text: string): string {
  const name = stripInvisible(text)
    .replace(/[\\/\s]+/g, ' ')
    .replace(/^[\s.]+|\s+$/g, '')
  return fitted(name)
}

function fitted(name: string): string {
  const extension = extensionOf(name)
  const ending = extension === '' ? '' : `.${extension}`
  let stem = name.slice(0, name.length - ending.length)
  const room = maxName - Buffer.byteLength(ending)
  if (Buffer.byteLength(stem) > room)
    stem = Buffer.from(stem)
      .subarray(0, room)
      .toString()
      .replace(/\ufffd+$/, '')
      .trimEnd()
  return stem + ending
}

export function lastSegment(url: string): string {
  const { pathname } = new URL(url)
  const segment = pathname.slice(pathname.lastIndexOf('/') + 1)
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

export const extensionOf = (name: string): string => /[^.]\.([a-z0-9]{1,10})$/i.exec(name)?.[1] ?? ''
