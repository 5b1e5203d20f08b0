/**
 * Removes secrets from text: known ones by value, others by shape. A text is read as it is, without what Markdown and JSON
 * put before signs, and as what an address, base64 or hexadecimal spells: whatever says a secret in one of these is
 * removed. Linear time: what follows the beginning of a secret is bounded, or taken whole and then judged.
 */

/** No Markdown: `![redacted](…)` would be an image. */
export const hidden = '‹redacted›'

/** Where a word begins, also after an escape sequence. */
const edge = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt]|\\u[0-9A-Fa-f]{4}|\[[0-9;]{1,12}m))`

/** The shapes of tokens and keys that show up in logs, errors and pasted text, at the beginning of a word. */
const atEdge: readonly string[] = [
  'gh[pousr]_[\\w.-]{16,}',
  'ph[xcsar]_[\\w-]{8,}',
  'sk-[\\w-]{16,}',
  'xox[abeprs]-[A-Za-z0-9-]{10,}',
  'xapp-[A-Za-z0-9-]{16,}',
  '(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])',
  'AIza[\\w-]{35,}',
  // GitLab's: personal, runner, deploy, trigger, job, feed, mail, agent, SCIM, and feature flags.
  'gl(?:pat|rt|dt|ptt|cbt|ft|imt|agent|soat|ffct)-[\\w.-]{16,}',
  'npm_[A-Za-z0-9]{36,}',
  'pypi-[\\w-]{16,}',
  'dckr_[po]at_[\\w-]{16,}',
  'SG\\.[\\w.-]{16,}',
  'ya29\\.[\\w.-]{16,}',
  'hv[sbr]\\.[\\w.-]{16,}',
  'lin_(?:api|oauth)_[A-Za-z0-9]{16,}',
  'hf_[A-Za-z0-9]{30,}',
  '[sr]k_(?:live|test)_[A-Za-z0-9]{16,}',
  'whsec_[\\w+/=]{16,}',
]

/** How a private key begins in base64: as PKCS#1, PKCS#8 or SEC 1 of each length, or as OpenSSH has it. */
const keyStart =
  '(?:M(?:II[A-T][\\w+/][AQgw]IBA(?:DA|AK)|I[E-H][\\w+/]AgE[AB]|[A-H][\\w+/]CAQ(?:Aw|EE))|b3BlbnNzaC1rZXktdjE)'
/** Between the lines of a key, also in a quote or in strings. */
const lineEnd = `(?:["'] ?\\+)?(?:\\\\[nr]|[^A-Za-z0-9+/=]){1,9}`
const framed = '-----(?:BEGIN|END) [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----'

const anywhere: readonly string[] = [
  'gh[pousr]_[\\w.-]{36,}',
  'github_pat_\\w{20,}',
  `${framed.replace('|END', '')}[\\s\\S]*?(?:${framed.replace('BEGIN|', '')}|$)`,
  `(?<![A-Za-z0-9+/])${keyStart}[A-Za-z0-9+/]{20,}=*(?:${lineEnd}[A-Za-z0-9+/]{16,}=*)*(?:${lineEnd}[A-Za-z0-9+/]{1,15}=+)?`,
  // Whoever knows the address of such a channel reads all that is sent through it.
  '(?<=https?://smee\\.io/)[\\w-]{8,}',
]
const shapes = new RegExp([...anywhere, `${edge}(?:${atEdge.join('|')})`].join('|'), 'g')

/** A secret that is known by what stands around it, too, or judged once it is matched to its end: no text is read twice. */
interface Pattern {
  run: RegExp
  isSecret?(run: string, before: string): boolean
}

const patterns: readonly Pattern[] = [
  { run: shapes },
  // `Bearer …`, and what an `Authorization` header says whatever its scheme; passwords and tokens in addresses
  { run: new RegExp(`${edge}(?:Bearer|token)\\s{1,9}[\\w.~+/-]{20,}=*`, 'gi') },
  {
    run: /(?<=authorization["'\\]{0,4}\s{0,3}[:=]\s{0,3}["'\\]{0,4}(?:basic|bearer|token)\s{1,3})[^\s"',;\\]{6,}/gi,
  },
  { run: /(?<=:\/\/[^\s/:@]{0,200}:)[^\s/@]+(?=@)/g },
  { run: /(?<=:\/\/)[\w-]{16,}(?=@)/g },
  {
    run: new RegExp(`${edge}eyJ[\\w.-]{7,}`, 'g'),
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
      (/aws|secret/i.test(before) || /A[KS]IA[A-Z0-9]{16}/.test(before)) &&
      /[A-Z]/.test(run) &&
      /[a-z]/.test(run),
  },
]

/** Cheap tests whether a text may hold such a secret: they match more than secrets, and most text matches none. */
const beginnings: readonly RegExp[] = [
  // V8 finds the sign several times faster than the letters before it.
  new RegExp(
    `[_.@-](?<=${[
      '(?:gh[pousr]|github_pat|ph[xcsar]|npm|dckr_[po]at|lin_(?:api|oauth)|hf|[sr]k|[sr]k_(?:live|test)|whsec)_(?=[\\w.+/=-]{8})',
      '(?:sk|xapp|pypi|xox[abeprs]|gl(?:pat|rt|dt|ptt|cbt|ft|imt|agent|soat|ffct))-(?=[\\w.-]{8})',
      '(?:SG|ya29|hv[sbr]|smee)\\.(?=[\\w./-]{8})',
      '-----(?=BEGIN)',
      '://[^\\s/@]*@',
    ].join('|')})`,
  ),
  /A(?:(?:KIA|SIA)[A-Z0-9]{16}|Iza[\w-]{35})|eyJ[\w.-]{7}/,
  new RegExp(keyStart),
  /bearer\s|token\s{1,9}[\w.~+/-]{20}|authorization|basic\s{1,3}[A-Z0-9+/_-]{12}|aws|secret/i,
]

export type Redact = (text: string) => string

/** @param secrets known values; short ones are left out, as they would hide ordinary words */
export function redactor(secrets: readonly string[]): Redact {
  const known = [...new Set(secrets)].filter(secret => secret.length >= 8)
  const bytes = known.flatMap(partsOf)
  const spansIn = (said: string): Span[] => [...spansOf(said, known), ...spansBy(said, patterns)]
  const spansInBytes = (said: string): Span[] => [
    ...spansOf(said, bytes),
    ...spansBy(said, [{ run: shapes }]),
  ]
  return text => {
    const decoded = text.includes('%') ? text.replace(percents, byte) : text
    const spelled = spellings.flatMap(spelling => spelledIn(decoded, spelling, spansInBytes))
    const inDecoded = decoded === text ? spelled : [...spansInBytes(decoded), ...spelled]
    const plain = /[\\\u200b]/.test(text) ? spansIn(text.replace(escapes, '')) : []
    return withoutSpans(text, [
      ...spansIn(text),
      ...placed(text, escapes, plain),
      ...(decoded === text ? inDecoded : placed(text, percentStarts, inDecoded)),
    ])
  }
}

/** Where a secret begins and ends. */
type Span = readonly [from: number, to: number]

/** A secret is known in its bytes, a private key by each 16 of its bytes: so each line is. */
function partsOf(secret: string) {
  const body = secret.includes('PRIVATE KEY') ? secret.replace(new RegExp(framed, 'g'), '') : ''
  const key = Buffer.from(body, 'base64').toString('latin1')
  return [Buffer.from(secret).toString('latin1'), ...(key.match(/[\s\S]{16}/g) ?? [])]
}

function spansOf(said: string, parts: readonly string[]) {
  const spans: Span[] = []
  for (const part of parts)
    for (let from = said.indexOf(part); from !== -1; from = said.indexOf(part, from + part.length))
      spans.push([from, from + part.length])
  return spans
}

const spansBy = (said: string, patterns: readonly Pattern[]): Span[] =>
  beginnings.some(beginning => beginning.test(said))
    ? patterns.flatMap(({ run, isSecret }) =>
        [...said.matchAll(run)]
          .filter(
            ({ 0: found, index }) =>
              isSecret?.(found, said.slice(Math.max(0, index - 80), index)) ?? true,
          )
          .map(({ 0: found, index }): Span => [index, index + found.length]),
      )
    : []

/** Backslashes before a sign, be it another one, and what keeps signs apart in our comments. */
const escapes = /\\(?=[^A-Za-z0-9]|$)|\u200b/g

const percents = /%([0-9a-f]{2})/gi
const percentStarts = /%[0-9a-f](?=[0-9a-f])/gi
const byte = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))

/** The spans of a text that was read without some signs, in the whole text. */
function placed(text: string, gone: RegExp, spans: readonly Span[]): Span[] {
  if (spans.length === 0) return []
  const places: number[] = []
  let at = 0
  for (const { 0: found, index } of text.matchAll(gone)) {
    for (; at < index; at++) places.push(at)
    at = index + found.length
  }
  for (; at <= text.length; at++) places.push(at)
  return spans.map(([from, to]) => [(places[from - 1] ?? -1) + 1, (places[to - 1] ?? -1) + 1])
}

/** Digits of so many bits, of which `starts` begin the bytes in turn. Without `mayBe`, nothing is spelled so. */
const spellings = [
  {
    as: 'base64' as const,
    bits: 6,
    starts: 4,
    mayBe: /[\w+/-]{16}/,
    digit: /[\w+/=-]/,
    between: /\\+[nrt]?|[^A-Za-z0-9+/_\\-]+/g,
  },
  {
    as: 'hex' as const,
    bits: 4,
    starts: 2,
    mayBe: /(?:[0-9a-f]{2}[^0-9a-z]{0,4}(?:0x|x|u00)?){7}[0-9a-f]{2}/i,
    digit: /[0-9a-f]/i,
    between: /0x|u00|[^0-9a-fu]+|u/gi,
  },
]

type Spelling = (typeof spellings)[number]

function spelledIn(text: string, spelling: Spelling, spansIn: (said: string) => Span[]): Span[] {
  const { as, bits, starts, mayBe, digit, between } = spelling
  if (!mayBe.test(text)) return []
  const digits = text.replace(between, '')
  const spans = Array.from({ length: starts }, (_, skipped) =>
    spansIn(Buffer.from(digits.slice(skipped), as).toString('latin1')).map(
      ([from, to]): Span => [
        skipped + Math.floor((from * 8) / bits),
        skipped + Math.ceil((to * 8) / bits),
      ],
    ),
  ).flat()
  // The rest of a row of digits says more of the same.
  const rows: Span[] = []
  for (const [before, to] of placed(text, between, spans).toSorted(inOrder)) {
    const last = rows.at(-1)?.[1] ?? 0
    let [from, end] = [Math.max(last, before), to]
    if (end <= from) continue
    from += Math.max(0, text.slice(from, end).search(digit))
    while (from > last && digit.test(text.charAt(from - 1))) from -= 1
    while (digit.test(text.charAt(end))) end += 1
    rows.push([from, end])
  }
  return rows
}

const inOrder = ([a]: Span, [b]: Span) => a - b

function withoutSpans(text: string, spans: readonly Span[]) {
  let rest = ''
  let end = 0
  for (const [from, to] of spans.toSorted(inOrder)) {
    if (from >= end) rest += text.slice(end, from) + hidden
    end = Math.max(end, to)
  }
  return rest + text.slice(end)
}

/** Changes each string of a value, however deep. @param change gets the name of the field, in a list none */
export function withStrings<T>(value: T, change: (text: string, field: string) => string): T {
  const changed = (part: unknown, field: string): unknown => {
    if (typeof part === 'string') return change(part, field)
    if (Array.isArray(part)) return part.map(each => changed(each, ''))
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(
      Object.entries(part).map(([name, each]) => [name, changed(each, name)]),
    )
  }
  return changed(value, '') as T
}
