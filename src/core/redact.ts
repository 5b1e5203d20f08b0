/** Takes secrets out of text: by value where they are known, by shape where they are not. */

const hidden = '[redacted]'

/** The shapes of tokens and keys that show up in logs, errors and pasted text. */
const shapes: readonly RegExp[] = [
  /\bgh[pousr]_[A-Za-z0-9_.-]{16,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bph[xcsa]_[A-Za-z0-9_-]{8,}/g,
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:Bearer|token)\s+[A-Za-z0-9._~+/-]{20,}=*/gi,
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
]

export type Redact = (text: string) => string

/** @param secrets known values; short ones are left out, as they would hide ordinary words */
export function redactor(secrets: readonly string[]): Redact {
  const values = secrets.flatMap(variants).filter(secret => secret.length >= 8)
  return text => {
    const known = values.reduce((rest, secret) => rest.replaceAll(secret, hidden), text)
    return shapes.reduce((rest, shape) => rest.replace(shape, hidden), known)
  }
}

/** As it is, and as JSON writes it. */
const variants = (secret: string): string[] => [secret, JSON.stringify(secret).slice(1, -1)]
