/** Anything a person could paste: what opens, closes, nests, hides, links, mentions or commands. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { z } from 'zod'

const short = z
  .array(z.string())
  .parse(JSON.parse(readFileSync(new URL('../data/markdown-pieces.json', import.meta.url), 'utf8')))

/** Engines differ in how long a fence may be. */
const fences = [79, 80, 81, 254, 255, 256, 300].map(length => '`'.repeat(length))

export const markdownPieces: readonly string[] = [...short, ...fences, '~'.repeat(256)]

export const pastedText = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.constantFrom(...short), fc.string({ unit: 'binary', maxLength: 3 })), {
      maxLength,
    })
    .map(parts => parts.join(''))
