/**
 * Removes secrets from text: known ones by value, others by shape, both also when escaped as in Markdown or JSON.
 * Linear time: what follows the beginning of a secret is bounded, or taken whole and then judged.
 */

/** No Markdown: `![redacted](…)` would be an image. */
export const hidden = '‹redacted›'

const beforeSign = '[\\\\\u200b]{0,9}'
const beforeLetter = '\u200b{0,2}'

const body = (least: number, signs = ''): string => {
  const escaped = signs.replace(/[-\\\]^]/g, '\\$&')
  const one = `(?:${beforeLetter}[A-Za-z0-9]${signs && `|${beforeSign}[${escaped}]`})`
  return `${one}{${least},}`
}

/** Where a word begins, also after an escape sequence. */
const edge = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|\[[0-9;]{1,12}m))`
const line = `${beforeSign}_`
const dash = `${beforeSign}-`
const dot = `${beforeSign}\\.`

/** The shapes of tokens and keys that show up in logs, errors and pasted text, at the beginning of a word. */
const atEdge: readonly string[] = [
  `gh[pousr]${line}${body(16, '_.-')}`,
  `ph[xcsar]${line}${body(8, '_-')}`,
  `sk${dash}${body(16, '_-')}`,
  `xox[abeprs]${dash}${body(10, '-')}`,
  `xapp${dash}${body(16, '-')}`,
  '(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])',
  `AIza${body(35, '_-')}`,
  // GitLab's: personal, runner, deploy, trigger, job, feed, mail, agent, SCIM, and feature flags.
  `gl(?:pat|rt|dt|ptt|cbt|ft|imt|agent|soat|ffct)${dash}${body(16, '_.-')}`,
  `npm${line}${body(36)}`,
  `pypi${dash}${body(16, '_-')}`,
  `dckr${line}(?:pat|oat)${line}${body(16, '_-')}`,
  `SG${dot}${body(16, '_.-')}`,
  `ya29${dot}${body(16, '_.-')}`,
  `hv[sbr]${dot}${body(16, '_.-')}`,
  `lin${line}(?:api|oauth)${line}${body(16)}`,
  `hf${line}${body(30)}`,
  `(?:sk|rk)${line}(?:live|test)${line}${body(16)}`,
  `whsec${line}${body(16, '+/=')}`,
]
const anywhere: readonly string[] = [
  `gh[pousr]${line}${body(36, '_.-')}`,
  `github${line}pat${line}${body(20, '_')}`,
  '-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\\s\\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)',
  // Whoever knows the address of such a channel reads all that is sent through it.
  `(?<=https?(?::|%3[Aa])(?:/|%2[Ff]){2}smee\\.io(?:/|%2[Ff]))${body(8, '_-')}`,
]
const shapes = new RegExp([...anywhere, `${edge}(?:${atEdge.join('|')})`].join('|'), 'g')

/** `Bearer …`, and what an `Authorization` header says whatever its scheme; passwords and tokens in addresses. */
const named: readonly RegExp[] = [
  new RegExp(`${edge}(?:Bearer|token)\\s{1,9}${body(20, '._~+/-')}=*`, 'gi'),
  /(?<=authorization["'\\]{0,4}\s{0,3}[:=]\s{0,3}["'\\]{0,4}(?:basic|bearer|token)\s{1,3})[^\s"',;\\]{6,}/gi,
  /(?<=:\/\/[^\s/:@]{0,200}:)[^\s/@]+(?=@)/g,
  /(?<=:\/\/)[\w-]{16,}(?=@)/g,
]

/** Matched to the end first and then judged, so that no text is read twice. */
const judged: readonly { run: RegExp; isSecret(run: string, before: string): boolean }[] = [
  {
    run: new RegExp(`${edge}eyJ${body(7, '_.-')}`, 'g'),
    isSecret: run => run.split('.').filter(part => part.length >= 10).length >= 3,
  },
  // Base64 of `user:password`; “Basic authentication” is none.
  {
    run: /(?<=\bBasic\s{1,3})[A-Za-z0-9+/_-]{12,}={0,2}/gi,
    isSecret: run => /=$/.test(run) || (/\d/.test(run) && /[A-Z]/.test(run)),
  },
  // AWS's secret keys are 40 signs that say nothing: known by the words before them.
  {
    run: /(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/g,
    isSecret: (run, before) =>
      /aws|secret|‹redacted›/i.test(before) && /[A-Z]/.test(run) && /[a-z]/.test(run),
  },
]

export type Redact = (text: string) => string

/** @param secrets known values; short ones are left out, as they would hide ordinary words */
export function redactor(secrets: readonly string[]): Redact {
  const known = knownValues([...new Set(secrets)].filter(secret => secret.length >= 8))
  return text => {
    const plain = text.includes('\\') || text.includes('\u200b') ? text.replace(escapes, '') : text
    const lower = plain.toLowerCase()
    const held = known.filter(({ piece, anyCase }) => (anyCase ? lower : plain).includes(piece))
    if (held.length === 0 && !beginnings.some(beginning => beginning.test(plain))) return text
    const exact = held.map(({ pattern }) => pattern)
    return without(named, withoutJudged(without([...exact, shapes], text)))
  }
}

/** Changes each string of a value, however deep. @param change gets the name of the field, in a list none */
export function withStrings<T>(value: T, change: (text: string, field: string) => string): T {
  const changed = (part: unknown, field: string): unknown => {
    if (typeof part === 'string') return change(part, field)
    if (Array.isArray(part)) return part.map(each => changed(each, ''))
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, each]) => [name, changed(each, name)]))
  }
  return changed(value, '') as T
}

/** Compiled only when its piece is found: that of a private key takes a second. */
interface KnownValue {
  pattern: RegExp
  piece: string
  anyCase?: boolean
}

function knownValues(secrets: readonly string[]): KnownValue[] {
  const written = secrets.flatMap(secret => {
    try {
      return [secret, encodeURIComponent(secret)]
    } catch {
      return [secret]
    }
  })
  // Longest first, so that no rest of a longer one stays.
  const plain = [...new Set(written)].sort((a, b) => b.length - a.length)
  return [
    ...plain.map(secret => ({ pattern: value(secret), piece: pieceOf(secret) })),
    ...[...new Set(secrets.flatMap(inBase64))].map(known => {
      const signs = known.replace(/[+/]/g, sign => (sign === '+' ? '(?:[+-]|%2[Bb])' : '(?:[/_]|%2[Ff])'))
      const pattern = new RegExp(`${signs}(?:[A-Za-z0-9+/_-]|%2[BbFf])*(?:=|%3[Dd]){0,2}`, 'g')
      return { pattern, piece: pieceOf(known) }
    }),
    ...secrets.map(secret => {
      const known = Buffer.from(secret).toString('hex').slice(0, maxKnown)
      const pattern = new RegExp(`${known}[0-9a-f]*`, 'gi')
      return { pattern, piece: pieceOf(known.slice(0, 16)), anyCase: true }
    }),
  ]
}

const escapes = /[\\\u200b]+/g

/** Cheap test whether a text may hold a secret: matches more than secrets, and most text matches nothing. */
const beginnings: readonly RegExp[] = [
  // V8 finds the sign several times faster than the letters before it.
  new RegExp(
    `[_.@-](?<=${[
      '(?:gh[pousr]|github_pat|ph[xcsar]|npm|dckr|lin|hf|[sr]k|whsec)_(?=[\\w.+/=%-]{8})',
      '(?:sk|xapp|pypi|xox[abeprs]|gl(?:pat|rt|dt|ptt|cbt|ft|imt|agent|soat|ffct))-(?=[\\w.+/=%-]{8})',
      '(?:SG|ya29|hv[sbr]|smee)\\.(?=[\\w.+/=%-]{8})',
      '-----(?=BEGIN)',
      '://[^\\s/@]*@',
    ].join('|')})`,
  ),
  /A(?:(?:KIA|SIA)[A-Z0-9]{16}|Iza[\w-]{35})|eyJ[\w.-]{7}/,
  /bearer\s|token\s{1,9}[\w.~+/-]{20}|authorization|basic\s{1,3}[A-Z0-9+/_-]{12}|aws|secret|‹redacted›/i,
]

const enough = 12
const commonestFirst = 'etaoinsrhdlcumpfgbyvwk012TIASCEPRNODLM5346789xBFGHUVWjqzYKJXZQ'

/**
 * The longest part without escapes, from its rarest character, which is found fastest; none for a value without
 * letters, which would be in every text.
 */
function pieceOf(secret: string): string {
  const parts = secret.match(/[A-Za-z0-9]+/g) ?? ['']
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best))
  const starts = [...longest.slice(0, Math.max(1, longest.length - enough + 1))]
  const ranks = starts.map(sign => commonestFirst.indexOf(sign))
  return longest.slice(ranks.indexOf(Math.max(...ranks)))
}

const without = (secrets: readonly RegExp[], text: string): string =>
  secrets.reduce((rest, secret) => rest.replace(secret, hidden), text)

const withoutJudged = (text: string): string =>
  judged.reduce(
    (rest, { run, isSecret }) =>
      rest.replace(run, (found: string, ...given: unknown[]) => {
        const at = given.find(each => typeof each === 'number') ?? 0
        return isSecret(found, rest.slice(Math.max(0, at - 80), at)) ? hidden : found
      }),
    text,
  )

/** A prefix of this length identifies the secret; the rest of its alphabet is removed with it. */
const maxKnown = 64

/** The first and last base64 characters share bits with their neighbours. */
const inBase64 = (secret: string): string[] =>
  [0, 1, 2].flatMap(offset => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
    const sure = Math.floor((bytes.length * 8) / 6)
    const known = bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), sure)
    return known.length < 10 ? [] : [known.slice(0, maxKnown)]
  })

function value(secret: string): RegExp {
  const [first = '', ...rest] = secret.replace(/\r\n?|\n/g, '\n').split('')
  const units = rest.map(sign => (/[A-Za-z0-9]/.test(sign) ? beforeLetter : beforeSign) + itself(sign))
  return new RegExp(itself(first) + units.join(''), 'g')
}

function itself(character: string): string {
  if (character === '\n') return '(?:\\\\{0,4}[nr]|\\s)+'
  return character.replace(/[.*+?^${}()|[\]\\/-]/, '\\$&')
}
