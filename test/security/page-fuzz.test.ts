import { expect, test } from 'vitest'
import { cmarkAvailable } from '../support/cmark-gfm.ts'
import { sampleSeed, tries } from '../support/tries.ts'
import { fuzzPages } from './page-fuzz.ts'

test.skipIf(!cmarkAvailable())(
  'what is read of texts made to hide words is what their pages show',
  () => expect(fuzzPages({ seed: sampleSeed(14), texts: tries(1_500) })).toEqual([]),
)
