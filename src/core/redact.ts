/**
 * Takes secrets out of text: by value where they are known, by shape where they are not. Text may have been
 * escaped by then: Markdown and JSON put backslashes before some characters, and our own comments a
 * zero-width space behind others, all of which a reader does not see.
 */

/** In a comment that is already safe, so nothing that Markdown reads: `![redacted](…)` would be an image. */
const hidden = '‹redacted›'

/** What escaping puts before a character of a secret. */
const beforeSign = '[\\\\\u200b]*'
const beforeLetter = '\u200b*'

/** At least `least` letters, digits or `signs`. */
const body = (least: number, signs = ''): string => {
  const escaped = signs.replace(/[-\\\]^]/g, '\\$&')
  const one = `(?:${beforeLetter}[A-Za-z0-9]${signs && `|${beforeSign}[${escaped}]`})`
  return `${one}{${least},}`
}

/** Where a word begins: also behind what JSON, addresses and terminals write as an escape. */
const edge = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|\[[0-9;]{1,12}m))`
const line = `${beforeSign}_`

/** The shapes of tokens and keys that show up in logs, errors and pasted text. */
const shapes: readonly RegExp[] = [
  `gh[pousr]${line}${body(36)}`,
  `${edge}gh[pousr]${line}${body(16, '_.-')}`,
  `github${line}pat${line}${body(20, '_')}`,
  `${edge}ph[xcsar]${line}${body(8, '_-')}`,
  `${edge}sk-${body(16, '_-')}`,
  `${edge}xox[abeprs]-${body(10, '-')}`,
  `${edge}xapp-${body(16, '-')}`,
  `${edge}(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])`,
  `${edge}AIza${body(35, '_-')}`,
  `${edge}glpat-${body(16, '_-')}`,
  `${edge}npm${line}${body(36)}`,
  `${edge}hf${line}${body(30)}`,
  `${edge}(?:sk|rk)${line}(?:live|test)${line}${body(16)}`,
  `${edge}whsec${line}${body(16, '+/=')}`,
  `${edge}eyJ${body(10, '_-')}${beforeSign}\\.${body(10, '_-')}${beforeSign}\\.${body(10, '_-')}`,
  '-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)',
].map(shape => new RegExp(shape, 'g'))

const named: readonly RegExp[] = [
  new RegExp(`${edge}(?:Bearer|token)\\s+${body(20, '._~+/-')}=*`, 'gi'),
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
]

export type Redact = (text: string) => string

/** @param secrets known values; short ones are left out, as they would hide ordinary words */
export function redactor(secrets: readonly string[]): Redact {
  // The longer first: of two that begin alike, nothing of the longer may stay.
  const values = [...new Set(secrets.flatMap(variants))]
    .filter(secret => secret.length >= 8)
    .sort((a, b) => b.length - a.length)
    .map(value)
  const all = [...values, ...shapes, ...named]
  return text => all.reduce((rest, secret) => rest.replace(secret, hidden), text)
}

/** As it is, and as it stands in an address. */
const variants = (secret: string): string[] => {
  try {
    return [secret, encodeURIComponent(secret)]
  } catch {
    return [secret]
  }
}

/** A known secret, however it was escaped. */
function value(secret: string): RegExp {
  const [first = '', ...rest] = secret.replace(/\r\n?|\n/g, '\n').split('')
  return new RegExp(itself(first) + rest.map(unit).join(''), 'g')
}

const unit = (character: string): string =>
  (/[A-Za-z0-9]/.test(character) ? beforeLetter : beforeSign) + itself(character)

function itself(character: string): string {
  if (character === '\n') return '(?:\\\\*[nr]|\\s)+'
  return character.replace(/[.*+?^${}()|[\]\\/-]/, '\\$&')
}
